"""The report a person reads shows what came from a file as text, and its numbers in the right places."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib import image
from rich.console import Console

from backend.labelled.load import LabelledTexts
from backend.simulate import report
from backend.simulate.plot import BASELINE, COLOURS, DASHES, _spread, draw_png, draw_svg, styles
from backend.simulate.report import SHOWN_CLASSES, render
from backend.simulate.show import Steps, progress_bar, show
from backend.simulate.summary import summarise
from tests.unit.replays import CURVES, FULL, PLAN, curve, curves, outcome, part

HOSTILE = '<script>alert("x")</script><img src=x onerror=y>[red]&amp;'


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture takes a second of a processor's time: what is not about it does without."""
    monkeypatch.setattr(report, "draw_svg", lambda replays, summary: "<svg></svg>")


class Tags(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.names: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def hostile_texts() -> LabelledTexts:
    rows = [(f"text {i}", HOSTILE if i % 2 else "b") for i in range(1_250)]
    return LabelledTexts(rows, 0, HOSTILE, HOSTILE, {HOSTILE: 1}, [HOSTILE])


@pytest.mark.usefixtures("undrawn")
def test_nothing_out_of_a_file_is_markup() -> None:
    found = outcome(
        [part(curves(CURVES, classes={HOSTILE: 0.5, "b": 0.1}))],
        texts=hostile_texts(),
        failures=[f"entropy: {HOSTILE}"],
        file=Path(f"folder/{HOSTILE.replace('/', '_')}.csv"),
    )
    plain, page = Tags(render(outcome())), Tags(render(found))
    # As many as without it, but for the lines about what failed.
    for name in ("script", "img"):
        assert page.names.count(name) == plain.names.count(name)
    text = "".join(page.text)
    assert HOSTILE in text
    assert f"entropy: {HOSTILE}" in text


def test_the_report_needs_nothing_else() -> None:
    page = render(outcome())
    assert not re.findall(r'(?:src|href)="(?!#|data:)(?!https?://(?:www\.w3\.org|github))[^"]+"', page)
    assert "<svg" in page
    assert "margin wins, by more than noise." in page
    assert "STRATEGY=margin" in page


@pytest.mark.usefixtures("undrawn")
def test_of_a_thousand_classes_the_first_are_on_view_and_all_are_there() -> None:
    names = [f"class {number:04}" for number in range(1_000)]
    texts = LabelledTexts([(f"{name} {i}", name) for name in names for i in (0, 1)], 0, "s", "CSV")
    classes = dict.fromkeys(names, 0.25)
    page = render(outcome([part(curves(CURVES, classes=classes))], texts=texts))
    before, _, behind = page.partition("<details")
    assert sum(name in before for name in names) == SHOWN_CLASSES
    assert sum(name in behind for name in names) == 1_000 - SHOWN_CLASSES


@pytest.mark.usefixtures("undrawn")
def test_a_class_that_no_seed_holds_out_has_no_score() -> None:
    rows = [*[(f"t{i}", "a") for i in range(600)], *[(f"u{i}", "b") for i in range(649)], ("x", "single")]
    replays = [
        replace(each, per_class={**each.per_class, "single": 1})
        for each in curves(CURVES, classes={"a": 0.5, "b": 0.25})
    ]
    page = Tags(render(outcome([part(replays)], texts=LabelledTexts(rows, 0, "s", "CSV"))))
    at = next(i for i, text in enumerate(page.text) if text.strip() == "single")
    cells = [text.strip() for text in page.text[at : at + 16] if text.strip()]
    assert "None" not in cells
    assert "nan" not in " ".join(cells).lower()


@pytest.mark.usefixtures("undrawn")
def test_a_setting_with_spaces_is_quoted_for_a_shell() -> None:
    name = "margin within 20% by representative"
    scores = {"random": CURVES["random"], "auto": CURVES["random"], name: CURVES["margin"]}
    page = "".join(Tags(render(outcome([part(curves(scores))]))).text)
    assert f"STRATEGY='{name}'" in page


@pytest.mark.usefixtures("undrawn")
def test_with_several_encoders_each_has_a_section() -> None:
    plan = replace(PLAN, encoders=("lsa", "use"))
    better = {name: [each + 0.2 for each in along] for name, along in CURVES.items()}
    parts = [part(curves(CURVES), "lsa", plan), part(curves(better, encoder="use"), "use", plan)]
    page = render(outcome(parts, plan=plan))
    assert page.count("<svg") == 3
    assert "ENCODER=use" in page


@pytest.mark.parametrize("count", [1, 2, 7, 12, 31])
def test_lines_differ_however_many_there_are(count: int) -> None:
    names = [f"s{number}" for number in range(count)]
    scores = {name: [0.3 + number / 100, 0.5] for number, name in enumerate(names)}
    summary = summarise(curves({**scores, BASELINE: [0.1, 0.2]}), FULL)
    look = styles(summary)
    distinct = min(count, len(COLOURS) * len(DASHES))
    assert (
        len({(colour, str(dashes)) for name, (colour, dashes) in look.items() if name != BASELINE})
        == distinct
    )
    assert look[BASELINE][0] not in COLOURS


@pytest.mark.parametrize(
    ("heights", "at"),
    [
        ([], []),
        ([0.5], [0.5]),
        ([0.5, 0.9], [0.5, 0.9]),
        ([0.5, 0.52], [0.5, 0.6]),
        ([0.97, 0.98, 0.99], [0.8, 0.9, 1.0]),
        ([1.5], [1.0]),
        ([0.1, 0.1, 0.1], [0.1, 0.2, 0.3]),
    ],
)
def test_numbers_at_the_ends_of_lines_do_not_overlap(heights: list[float], at: list[float]) -> None:
    assert _spread(heights, 0.1, 1.0) == pytest.approx(at)


def test_the_picture_is_the_same_every_time_and_takes_the_pages_colour(tmp_path: Path) -> None:
    whole = part(
        [*curves(CURVES), *(curve("margin", seed, [0.4, 0.5, 0.6], own_start=True) for seed in FULL)]
    )
    first, second = (draw_svg(whole.complete, whole.summary) for _ in range(2))
    assert first == second
    assert "currentColor" in first
    assert not re.search(r'<svg[^>]* width="', first)
    draw_png(whole.complete, whole.summary, tmp_path / "curves.png")
    pixels = image.imread(tmp_path / "curves.png")
    assert pixels.shape[0] > 500
    assert pixels[0, 0, :3].min() == 1.0


def console() -> Console:
    return Console(
        width=160, record=True, force_terminal=False, color_system=None, file=open("/dev/null", "w")
    )


def test_the_terminal_shows_the_table_the_verdict_and_what_was_left_out() -> None:
    screen = console()
    with screen.file:
        show(outcome(failures=["entropy, seed 1: [red]odd[/red]"]), screen)
    text = screen.export_text()
    margin, random = (
        next(line for line in text.splitlines() if f" {name} " in line) for name in ("margin", "random")
    )
    assert text.index(margin) < text.index(random)
    assert re.findall(r"[\d.]+", margin)[:5] == ["0.627", "0.014", "50", "0.760", "1.0"]
    assert "not reached" in random
    assert "margin wins, by more than noise." in text
    assert "left out: entropy, seed 1: [red]odd[/red]" in text


def test_with_one_seed_there_is_no_deviation_and_the_own_start_has_no_place() -> None:
    replays = [curve(name, 0, along) for name, along in {**CURVES, "auto": [0.4, 0.5, 0.6]}.items()]
    own = curve("auto", 0, [0.7, 0.8, 0.9], own_start=True)
    summary = summarise([*replays, own], {0: FULL[0]})
    whole = replace(part(curves(CURVES)), replays=[*replays, own], summary=summary)
    screen = console()
    with screen.file:
        show(outcome([whole]), screen)
    line = next(line for line in screen.export_text().splitlines() if "own first order" in line)
    assert "–" in line
    assert "0.800" in line


def test_in_a_log_a_line_says_which_replay_ended() -> None:
    screen = console()
    with screen.file, progress_bar(screen) as bar:
        steps = Steps(bar, screen, 3)
        steps.one("strategy [bold]x[/bold], seed 0")
        steps.ended("strategy [bold]x[/bold], seed 0")
        assert bar.tasks[0].completed == 1
    assert "replayed: strategy [bold]x[/bold], seed 0" in screen.export_text()
