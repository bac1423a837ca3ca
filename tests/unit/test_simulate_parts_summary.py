"""Replays of parts come to numbers by what people pay for, and to one sentence on what to set."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from backend.errors import AtlasError
from backend.labelled.marked import MarkedText, MarkedTexts
from backend.simulate import parts_report, parts_run
from backend.simulate.parts import Items, PartsJob, PartsPoint, PartsReplay, surest_of
from backend.simulate.parts_report import render
from backend.simulate.parts_run import in_cells
from backend.simulate.parts_summary import PartsSummary, as_json, curves, summarised, verdict
from backend.simulate.plan import Plan
from backend.simulate.workers import Failure

PLAN = Plan(("random", "auto"), (0, 1), batch=20, start=20, budget=60, held_out=0.2)
KIND = cast(
    type[Items],
    SimpleNamespace(
        things="texts", cost="words", measure="f1", cost_told="words read", measure_told="F1 of spans"
    ),
)
HOSTILE = '<script>alert("x")</script>'


def replay(strategy: str, seed: int, *points: tuple[int, float]) -> PartsReplay:
    """points: what was paid, and the score; 20 labels more each."""
    along = [PartsPoint(20 * (i + 1), cost, score, 0.5 * i) for i, (cost, score) in enumerate(points)]
    return PartsReplay(strategy, seed, tuple(along))


def two(strategy: str, first: float, last: float, cost: int = 100, wobble: float = 0.0) -> list[PartsReplay]:
    return [
        replay(strategy, seed, (cost, first + wobble * seed), (2 * cost, last + wobble * seed))
        for seed in (0, 1)
    ]


def test_the_best_by_what_is_paid_comes_first() -> None:
    rows = summarised([*two("random", 0.2, 0.4), *two("auto", 0.4, 0.6)])
    assert [row.strategy for row in rows] == ["auto", "random"]
    assert rows[0].per_item == pytest.approx(0.5)
    assert rows[0].per_cost == pytest.approx(0.5)
    assert rows[0].ahead == pytest.approx(0.2)
    assert rows[0].error == pytest.approx(0.0)
    assert (rows[1].ahead, rows[1].error) == (None, None)
    assert (rows[0].cost, rows[0].score, rows[0].seconds) == (200, pytest.approx(0.6), 0.5)


def test_scores_are_compared_over_what_all_have_paid() -> None:
    """One that reads long texts pays more for the same score."""
    rows = summarised([*two("random", 0.2, 0.4, 100), *two("auto", 0.2, 0.4, 150)])
    by_name = {row.strategy: row for row in rows}
    assert by_name["random"].per_item == pytest.approx(by_name["auto"].per_item)
    assert by_name["random"].per_cost > by_name["auto"].per_cost


def test_without_random_order_or_a_second_seed_nothing_is_said_of_noise() -> None:
    assert [row.ahead for row in summarised(two("auto", 0.2, 0.4))] == [None]
    one = [replay("random", 0, (1, 0.1), (2, 0.2)), replay("auto", 0, (1, 0.2), (2, 0.3))]
    (auto, _) = summarised(one)
    assert auto.ahead == pytest.approx(0.1)
    assert auto.error is None


def test_replays_that_share_nothing_that_was_paid_are_compared_at_one_point() -> None:
    rows = summarised([replay("random", 0, (1, 0.1), (2, 0.2)), replay("auto", 0, (10, 0.5), (20, 0.6))])
    assert {row.strategy: row.per_cost for row in rows} == pytest.approx({"auto": 0.5, "random": 0.2})


def row(strategy: str, score: float, error: float | None = None) -> PartsSummary:
    return PartsSummary(strategy, score, score, None, error, 100.0, score, 0.1)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row("margin", 0.5, 0.01), row("auto", 0.4, 0.01)], "Set STRATEGY=margin."),
        (
            [row("margin", 0.42, 0.01), row("auto", 0.4, 0.02)],
            "margin is not clearly ahead of auto: auto stays.",
        ),
        ([row("margin", 0.9), row("auto", 0.1)], "margin is not clearly ahead of auto: auto stays."),
        ([row("random", 1.0, 0.0), row("auto", 1.0, 0.0)], "All strategies come to the same by"),
        ([row("margin", 0.9, 0.0), row("auto", 0.1, 0.0)], "is not clearly ahead"),
        ([row("random", 0.5, 0.01), row("auto", 0.4, 0.01)], "Random order is ahead of auto by 0.100."),
    ],
)
def test_another_is_set_only_where_it_is_clearly_ahead(rows: list[PartsSummary], said: str) -> None:
    assert said in verdict(rows, "words read")


def test_curves_and_summary_hold_every_number() -> None:
    replays = [*two("random", 0.2, 0.4), *two("auto", 0.4, 0.6)]
    read = list(csv.DictReader(io.StringIO(curves(replays, KIND))))
    assert len(read) == 8
    assert read[-1] == {
        "strategy": "auto",
        "seed": "1",
        "labels": "40",
        "words": "200",
        "f1": "0.600000",
        "seconds_choosing": "0.500",
    }
    data = {"file": f"{HOSTILE}\u202e"}
    told = json.loads(as_json(data, PLAN, KIND, "use", {0: 0.7, 1: 0.8}, summarised(replays)))
    assert told["data"] == data
    assert told["full_data_f1"] == {"0": 0.7, "1": 0.8}
    assert [each["strategy"] for each in told["strategies"]] == ["auto", "random"]
    assert told["verdict"].startswith("auto comes first by words read.")


@pytest.mark.parametrize(
    ("given", "cells"),
    [
        (row("auto", 0.5), ("0.500", "0.500", "–", "0.500", "100", "0.1")),
        (PartsSummary("auto", 0.5, 0.4, 0.05, None, 12_345.6, 0.6, 2.0),
         ("0.500", "0.400", "+0.050", "0.600", "12,346", "2.0")),
        (PartsSummary("auto", 0.5, 0.4, -0.05, 0.01, 0, 0.6, 2.0),
         ("0.500", "0.400", "-0.050 ± 0.010", "0.600", "0", "2.0")),
    ],
)  # fmt: skip
def test_a_strategy_is_a_row(given: PartsSummary, cells: tuple[str, ...]) -> None:
    assert in_cells(given) == cells


def test_the_report_shows_names_and_failures_as_text() -> None:
    replays = [*two("random", 0.2, 0.4), *two("auto", 0.4, 0.6)]
    page = render(HOSTILE, PLAN, KIND, "use", {0: 0.7}, replays, summarised(replays), [f"x: {HOSTILE}"])
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") >= 2
    assert "<svg" in page
    assert "auto comes first by words read." in page


JOBS = [
    PartsJob(name, seed, PLAN, Path("x"), cast(Any, None))
    for name in (None, "random", "auto")
    for seed in (0, 1)
]


def found(*failed: int) -> dict[PartsJob, Any]:
    return {
        job: Failure("ValueError: odd") if number in failed else replay(str(job.strategy), job.seed, (1, 0.5))
        for number, job in enumerate(JOBS)
    }


def test_a_strategy_of_which_one_replay_failed_is_left_out() -> None:
    replays, full, failures = parts_run._compared(found(5))
    assert {each.strategy for each in replays} == {"random"}
    assert full == {0: 0.5, 1: 0.5}
    assert failures == ["auto, seed 1: ValueError: odd"]


@pytest.mark.parametrize("failed", [(0,), (1,), (2, 4), (2, 3, 4, 5)])
def test_without_any_strategy_or_the_model_of_all_labels_nothing_is_compared(failed: tuple[int, ...]) -> None:
    with pytest.raises(AtlasError, match=r"nothing can be compared: .*ValueError: odd"):
        parts_run._compared(found(*failed))


@pytest.mark.parametrize("name", ["mine.json", "gr\udcfc\udcdfe.json", "\u202e<b>.json"], ids=ascii)
def test_results_are_written_whatever_the_files_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that is not in UTF-8: not after minutes of work."""
    given = MarkedTexts([MarkedText("a", "[]")], ("x",), "JSON")
    reading = SimpleNamespace(write=lambda place: "use", read=lambda place: Kind())
    monkeypatch.setattr(parts_run, "reading_of", lambda given, encoder: reading)
    monkeypatch.setattr(parts_run, "_replayed", lambda *told: found(5))
    monkeypatch.setattr(parts_report, "as_svg", lambda draw: "<svg></svg>")
    with open("/dev/null", "w") as nowhere:
        outcome = parts_run._worked(Path(name), given, PLAN, tmp_path, cast(Any, None), Console(file=nowhere))
    assert outcome.failures == ["auto, seed 1: ValueError: odd"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.csv", "report.html", "summary.json"]
    summary = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert summary["data"]["file"] == name.encode("utf-8", "replace").decode()


class Kind:
    things, cost, measure, cost_told, measure_told = "texts", "words", "f1", "words read", "F1 of spans"


@pytest.mark.parametrize(
    ("parts", "surest"),
    [([], {}), ([(1, 0.5)], {1: 0.5}), ([(1, 0.5), (2, 0.25), (1, 0.75), (1, 0.1)], {1: 0.75, 2: 0.25})],
)
def test_the_surest_part_of_each_label_counts(
    parts: list[tuple[int, float]], surest: dict[int, float]
) -> None:
    assert surest_of(parts) == surest
