"""What is drawn of scores over labels."""

from __future__ import annotations

import re

from backend.pages.curves import Goal, Line, chart

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
