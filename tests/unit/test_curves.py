"""What is drawn of scores over labels."""

from __future__ import annotations

import re

import pytest

from backend.pages.curves import HEIGHT, WIDE, Band, Goal, Line, bars, chart

SCORES = Line("held out", "held-out", [(100.0, 0.8), (137.0, 0.9)])
AHEAD = Line("forecast", "forecast", [(137.0, 0.9), (548.0, 0.96)])


def drawn(low: float = 0.8, goal: Goal | None = None) -> str:
    """In a wide window."""
    lines = [Line("held out", "held-out", [(100.0, low), (137.0, 0.9)]), AHEAD]
    return str(chart(lines, [], said="", goal=goal)).split("</svg>")[0]


def dots(svg: str, kind: str) -> list[tuple[float, float]]:
    found = re.findall(rf'class="dot {kind}" cx="([^"]+)" cy="([^"]+)"', svg)
    return [(float(x), float(y)) for x, y in found]


def test_the_goal_is_marked_where_it_is_expected_to_be_reached_and_nothing_else_is() -> None:
    svg = drawn(goal=Goal(0.95, 485))
    ((x, y),) = dots(svg, "forecast")
    (level,) = re.findall(r'class="goal" [^>]*y1="([^"]+)"', svg)
    assert y == float(level)
    start, end = (float(re.findall(rf'x="([^"]+)" y="[^"]+">{each}</text>', svg)[0]) for each in (200, 600))
    assert abs((x - start) / (end - start) - (485 - 200) / 400) < 0.01
    assert "goal 95 % at 485 labels" in svg
    assert dots(drawn(goal=Goal(0.95)), "forecast") == dots(drawn(), "forecast") == []
    assert dots(drawn(goal=Goal(0.99, 5000)), "forecast") == []


def test_the_upright_axis_begins_below_the_lowest_score_and_says_so() -> None:
    assert "the upright axis begins at 75 %" in drawn()
    assert "the upright axis begins at 50 %" in drawn(low=0.6)
    assert "the upright axis begins at 25 %" in drawn(goal=Goal(0.4))
    whole = drawn(low=0.1)
    assert "begins" not in whole
    assert ">0 %</text>" in whole


def test_a_phone_has_a_picture_of_its_own() -> None:
    wide, narrow, _ = str(chart([SCORES], [], said="")).split("</svg>")
    shapes = [re.findall(r'viewBox="0 0 (\d+) (\d+)"', each)[0] for each in (wide, narrow)]
    (w, h), (n, m) = ((int(a), int(b)) for a, b in shapes)
    assert n / m < 0.6 * w / h
    assert str(chart([], [], said="")) == ""


def test_nothing_to_draw_is_no_picture() -> None:
    assert chart([], [], said="x") == ""
    assert chart([Line("a", "b", [])], [Band("c", [])], said="x", goal=Goal(0.9, 20)) == ""
    assert bars([], said="x") == ""


@pytest.mark.parametrize(
    ("least", "most", "ticks"),
    [
        (5, 5, ["5", "6"]),
        (0, 1, ["0", "1"]),
        (1, 9, ["0", "2", "4", "6", "8", "10"]),
        (20, 300, ["0", "100", "200", "300"]),
        (0, 1_000_000, ["0", "200,000", "400,000", "600,000", "800,000", "1,000,000"]),
    ],
)
def test_ticks_are_round_numbers_of_labels(least: float, most: float, ticks: list[str]) -> None:
    svg = str(chart([Line("a", "b", [(least, 0.5), (most, 0.6)])], [], said="")).split("</svg>")[0]
    assert re.findall(r'class="tick middle"[^>]*>([^<]+)<', svg) == ticks


@pytest.mark.parametrize("score", [0.0, 0.001, 0.5, 0.999, 1.0])
def test_all_that_is_drawn_lies_within_the_picture(score: float) -> None:
    lines = [Line("a", "b", [(1.0, score), (7.0, 1 - score)])]
    bands = [Band("c", [(1.0, 0.0, 1.0), (7.0, score, 1.0)])]
    svg = str(chart(lines, bands, said="", goal=Goal(1.0, 5.0))).split("</svg>")[0]
    for path in re.findall(r' d="([^"]+)"', svg):
        for x, y in (point.split() for point in re.findall(r"[\d.-]+ [\d.-]+", path)):
            assert 0 <= float(x) <= WIDE
            assert 0 <= float(y) <= HEIGHT


def test_a_goal_beyond_the_picture_stands_beside_it() -> None:
    svg = drawn(goal=Goal(0.95, 5_000))
    assert ">goal 95 %</text>" in svg
    assert not dots(svg, "forecast")
    assert "at 5,000 labels" not in svg


@pytest.mark.parametrize("said", ['"><script>', "\u202eabc", "a\x1b[2J", "&amp;"])
def test_words_for_who_cannot_see_it_are_text(said: str) -> None:
    for picture in (chart([SCORES], [], said=said), bars([(said, 3), ("b", 0)], said=said)):
        assert "<script" not in picture
        assert not set(picture) & {"\u202e", "\x1b"}


def test_a_bar_is_as_high_as_its_share_of_the_largest_and_never_gone() -> None:
    heights = re.findall(r'class="bar"[^>]* height="([^"]+)"', bars([("a", 0), ("b", 5), ("c", 10)], said=""))
    assert heights == ["1.0", "13.0", "26.0"]
    assert re.findall(r'class="bar"[^>]* height="([^"]+)"', bars([("a", 0)], said="")) == ["1.0"]


def test_the_goals_name_is_within_the_picture() -> None:
    """A letter of it is 8.2 wide at most, in the sizes that the style sheet has."""
    for svg in str(chart([SCORES], [], said="", goal=Goal(0.95))).split("</svg>")[:2]:
        (width,) = re.findall(r'viewBox="0 0 (\d+)', svg)
        ((x, name),) = re.findall(r'class="goal-name" x="([^"]+)"[^>]*>([^<]+)<', svg)
        assert float(x) + 8.2 * len(name) <= float(width)
