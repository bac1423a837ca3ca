"""`label-studio-atlas export`: every label with why its task was labelled."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from backend.cli import main
from tests.fakes.loop import Loop, label_of
from tests.fakes.project import FakeProject


@pytest.fixture(autouse=True)
def here(loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.set(data_dir=tmp_path / "data", queue_head=20, strategy="atlas", encoder="lsa")
    monkeypatch.chdir(tmp_path)


def export(project: FakeProject, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["export", "--project", str(project.id), *arguments])


def rows_of(project: FakeProject, name: str = "labels.csv") -> list[dict[str, str]]:
    done = export(project, "--out", name, "--force")
    assert done.exit_code == 0, done.output
    with open(name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def label_next(loop: Loop, project: FakeProject, count: int) -> list[int]:
    """As one annotator does, from the front of the queue."""
    done = loop.queue(project)[:count]
    for task in done:
        loop.label(project, task)
    return done


def test_of_sixty_labels_each_has_its_reason_and_the_strategies_add_up(loop: Loop) -> None:
    project = loop.create(200)
    loop.retrain(project)
    served = set(loop.queue(project))
    for count in (10, 10, 10, 10, 15):
        label_next(loop, project, count)
        loop.retrain(project)
        served |= set(loop.queue(project))
    for task in sorted(project.tasks.keys() - served)[:5]:
        loop.label(project, task)

    rows = rows_of(project)
    assert len(rows) == 60
    counts = Counter(row["why_strategy"] for row in rows)
    assert sum(counts.values()) == 60
    assert counts["cold_start"] == 10
    assert counts["none"] == 5
    assert {row["why_how"] for row in rows if row["why_strategy"] == "none"} == {"unserved"}
    for row in rows:
        assert row["label"] == label_of(row["text"])
        if row["why_how"] == "picked":
            assert row["why_version"].startswith("atlas-")
            assert row["why_control"] == "label"
            assert 1 <= int(row["why_place"]) <= 15
            assert int(row["why_round"]) >= 1
            assert float(row["why_chance"]) == 1
            assert 1 <= int(row["why_cluster"]) <= 10
        if row["why_strategy"] == "atlas":
            assert 0 <= float(row["why_p_wrong"]) <= 1
            assert 0 <= float(row["why_doubt"]) <= 1
    said = export(project, "--out", "again.csv").output
    assert "Wrote 60 labels (" in said
    assert "10 by cold_start" in said
    assert "5 not from the queue" in said


def test_json_says_the_same(loop: Loop) -> None:
    project = loop.create(40)
    loop.retrain(project)
    label_next(loop, project, 8)
    rows = rows_of(project)
    assert export(project, "--out", "labels.json").exit_code == 0
    told: list[dict[str, Any]] = json.loads(Path("labels.json").read_text("utf-8"))
    assert [each["task"] for each in told] == [int(row["task"]) for row in rows]
    for each, row in zip(told, rows, strict=True):
        assert each["labels"] == {"label": [row["label"]]}
        assert each["why"]["strategy"] == row["why_strategy"] == "cold_start"
        assert each["why"]["place"] == int(row["why_place"])
        assert each["why"]["p_wrong"] is None  # there was no model to be wrong
        assert row["why_p_wrong"] == ""


def test_labels_that_no_retrain_has_seen_are_there_and_nothing_is_written_down(loop: Loop) -> None:
    project = loop.create(40)
    loop.retrain(project)
    label_next(loop, project, 3)
    kept = Path("data/projects") / str(project.id)
    before = sorted(str(path) for path in kept.rglob("*"))
    assert [row["why_how"] for row in rows_of(project)] == ["picked"] * 3
    after = {str(path) for path in kept.rglob("*")} - set(before)
    assert not [path for path in after if "labelled" in path]


def test_disputed_tasks_are_counted_and_left_out(loop: Loop) -> None:
    project = loop.create(40, maximum_annotations=2)
    loop.retrain(project)
    first, second = loop.queue(project)[:2]
    loop.label(project, first, "disaster", user=1)
    loop.label(project, first, "other", user=2)
    loop.label(project, second, "other", user=1)
    done = export(project, "--out", "labels.csv")
    assert "Wrote 1 labels" in done.output
    assert "left out: 1 answered tasks" in done.output


def test_what_cannot_be_written_is_said_first(loop: Loop) -> None:
    project = loop.create(4)
    assert "must end with .csv or .json" in export(project, "--out", "labels.xlsx").output
    Path("labels.csv").write_text("precious")
    assert "give --force" in export(project, "--out", "labels.csv").output
    assert Path("labels.csv").read_text() == "precious"
    assert "there is no folder nowhere" in export(project, "--out", "nowhere/labels.csv").output
    assert "nothing is kept of project" in export(project, "--out", "other.csv").output
