"""`label-studio-atlas predictions`: labels and predictions go out of the loop and leave the loop alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend.cli import main
from backend.jobs.housekeeping import clear_old_versions
from backend.results.imported import PREFIX
from backend.store.model_version import version_number
from tests.fakes.loop import Loop, label_of
from tests.fakes.project import FakeProject

MANY = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text" choice="multiple">'
    '<Choice value="disaster"/><Choice value="other"/></Choices></View>'
)


@pytest.fixture
def project(loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeProject:
    loop.set(data_dir=tmp_path / "data", queue_head=10, clear_after=0)
    monkeypatch.chdir(tmp_path)
    made = loop.create(40, labeled=12)
    loop.retrain(made)
    return made


def predictions(project: FakeProject, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["predictions", "--project", str(project.id), *arguments])


def done(project: FakeProject, *arguments: str) -> str:
    result = predictions(project, *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_csv_has_every_task_with_its_label_and_the_models_guess(project: FakeProject) -> None:
    assert "Wrote 40 tasks with the predictions of atlas-000001 to all.csv" in done(
        project, "--out", "all.csv"
    )
    with open("all.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["task"]) for row in rows] == sorted(project.tasks)
    assert [row["waits"] for row in rows] == ["false"] * 12 + ["true"] * 28
    for row in rows:
        right = label_of(row["text"])
        assert row["text"] == project.tasks[int(row["task"])]["data"]["text"]
        assert row["label"] == ("" if row["waits"] == "true" else right)
        assert row["label_guess"] in ("disaster", "other")
        assert 0 <= float(row["label_confidence"]) <= 1
        assert row["model_version"] == "atlas-000001"
    assert sum(row["label_guess"] == label_of(row["text"]) for row in rows) > 30


def test_json_lines_say_the_same(project: FakeProject) -> None:
    done(project, "--out", "all.csv")
    done(project, "--out", "all.jsonl")
    with open("all.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in Path("all.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == 40
    for row, line in zip(rows, lines, strict=True):
        assert line["task"] == int(row["task"])
        assert line["labels"] == ({"label": [row["label"]]} if row["label"] else {})
        assert line["guesses"]["label"]["choices"] == [row["label_guess"]]
        assert line["guesses"]["label"]["confidence"] == float(row["label_confidence"])


def test_several_choices_are_a_json_list(loop: Loop, project: FakeProject) -> None:
    project.settings["label_config"] = MANY
    loop.retrain(project)
    done(project, "--out", "all.csv")
    with open("all.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    guessed = {row["label_guess"] for row in rows}
    assert guessed <= {"", "disaster", "other", '["disaster", "other"]'}
    assert guessed & {"disaster", "other"}


def test_an_import_gives_every_waiting_task_a_prediction_and_leaves_the_queue_alone(
    loop: Loop, project: FakeProject
) -> None:
    queue, version = loop.queue(project), project.settings["model_version"]
    assert "Imported 28 predictions as all-of-000001" in done(project, "--import")
    ours = [each for each in project.predictions if each["model_version"] == "all-of-000001"]
    waiting = {task for task, row in project.tasks.items() if not row["is_labeled"]}
    assert {each["task"] for each in ours} == waiting
    assert all(each["result"] for each in ours)
    assert project.settings["model_version"] == version
    assert loop.queue(project) == queue
    refused = predictions(project, "--import")
    assert refused.exit_code == 1
    assert "has 28 predictions of all-of-000001 already: remove them first" in refused.output


def test_what_was_imported_is_neither_followed_nor_cleared_by_the_loop(
    loop: Loop, project: FakeProject
) -> None:
    done(project, "--import")
    for task in [task for task, row in project.tasks.items() if not row["is_labeled"]][:3]:
        loop.label(project, task)
        loop.retrain(project)
    loop.reconcile(project)
    loop.refill(project)
    clear_old_versions(project.id)
    sizes = project.version_sizes()
    assert sizes["all-of-000001"] == 28
    assert "atlas-000001" not in sizes  # what is ours and old was cleared
    assert project.settings["model_version"] == "atlas-000004"
    assert version_number(PREFIX + "atlas-000009") == 0


def test_the_head_is_topped_up_beside_what_was_imported(loop: Loop, project: FakeProject) -> None:
    loop.set(queue_head=20)
    loop.retrain(project)
    done(project, "--import")
    for task in loop.queue(project)[:3]:
        loop.label(project, task)
    left = len(loop.queue(project))
    assert loop.refill(project)["added"] == 20 - left == 3
    assert len(loop.queue(project)) == 20


@pytest.mark.parametrize("how", [(), ("--at-once",)])
def test_remove_takes_out_what_import_put_there_and_nothing_else(
    project: FakeProject, how: tuple[str, ...]
) -> None:
    before = project.version_sizes()
    done(project, "--import")
    assert "Removed 28 predictions" in done(project, "--remove", *how)
    assert project.version_sizes() == before
    assert "nothing to remove" in done(project, "--remove", *how)


def test_of_an_import_that_label_studio_keeps_in_part_nothing_stays(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.labelstudio.client import LabelStudioClient

    kept = LabelStudioClient.import_predictions
    monkeypatch.setattr(
        LabelStudioClient, "import_predictions", lambda self, i, rows: kept(self, i, rows[:-1])
    )
    before = project.version_sizes()
    refused = predictions(project, "--import")
    assert refused.exit_code == 1
    assert "kept 27 of 28 predictions. Nothing was left behind" in refused.output
    assert project.version_sizes() == before


def test_what_cannot_be_written_is_said_and_loses_nothing(loop: Loop, project: FakeProject) -> None:
    Path("mine.csv").write_text("precious")
    assert "give --force" in predictions(project, "--out", "mine.csv").output
    assert Path("mine.csv").read_text() == "precious"
    done(project, "--out", "mine.csv", "--force")
    assert Path("mine.csv").read_text() != "precious"
    assert "there is no folder nowhere" in predictions(project, "--out", "nowhere/all.csv").output
    wrong = predictions(project, "--out", "all.csv", "--version", "atlas-000009")
    assert "has no version atlas-000009; kept are: atlas-000001" in wrong.output
    unlabelled = loop.create(20)
    loop.retrain(unlabelled)
    said = predictions(unlabelled, "--out", "all.csv").output
    assert "has no model yet: labels of two classes are needed first" in said
    project.settings["label_config"] = MANY
    assert "trained for another label config" in predictions(project, "--out", "all.csv").output
    assert [path.name for path in Path().glob("*all*")] == []
