"""What each retrain came to is kept for as long as the project, whatever becomes of its version."""

from __future__ import annotations

import csv
import json
import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.cli import main
from backend.errors import ModelStoreError
from backend.jobs.keep_history import keep_history
from backend.store.files import Files
from backend.store.history import History, retrains
from backend.store.locations import project_files
from backend.store.paths import project_dir
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject


@pytest.fixture(autouse=True)
def small(loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.set(data_dir=tmp_path / "data", keep_versions=2, encoder="lsa")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))


def retrained(loop: Loop, times: int) -> FakeProject:
    project = loop.create(30, labeled=4)
    loop.retrain(project)
    for _ in range(times - 1):
        loop.label(project, loop.queue(project)[0])
        loop.retrain(project)
    return project


def history(loop: Loop, project: FakeProject) -> History:
    return History(project_files(loop.settings, project.id))


def test_it_outlives_the_versions(loop: Loop) -> None:
    project = retrained(loop, 4)
    entries = history(loop, project).read()
    assert [entry["version"] for entry in entries] == [f"atlas-{n:06d}" for n in range(1, 5)]
    assert len(loop.versions(project).names()) == 2
    assert [entry["trained_on"] for entry in entries] == [4, 5, 6, 7]
    last = entries[-1]
    assert last["published"] is True
    assert last["encoder"].startswith("lsa")
    assert last["seconds"] >= 0
    assert sum(last["labels"].values()) == 7
    assert last["annotators"] == {"1": 7}


def test_versions_from_before_there_was_a_history_are_its_first_entries(loop: Loop) -> None:
    project = retrained(loop, 2)
    project_files(loop.settings, project.id).delete("history")
    loop.label(project, loop.queue(project)[0])
    loop.retrain(project)
    entries = history(loop, project).read()
    assert [entry["version"] for entry in entries] == ["atlas-000001", "atlas-000002", "atlas-000003"]
    assert [entry["published"] for entry in entries] == [True, True, True]
    assert entries[0]["trained_on"] == 4


def test_what_a_killed_job_did_not_write_down_is_written_by_the_next(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = retrained(loop, 1)
    with monkeypatch.context() as killed:
        killed.setattr("backend.jobs.retrain.keep_history", lambda *given: None)
        loop.label(project, loop.queue(project)[0])
        loop.retrain(project)
    listed = retrains(history(loop, project), loop.versions(project))
    assert [entry["trained_on"] for entry in listed] == [4, 5]
    loop.label(project, loop.queue(project)[0])
    loop.retrain(project)
    assert [entry["trained_on"] for entry in history(loop, project).read()] == [4, 5, 6]


def test_a_retrain_that_makes_no_version_is_no_entry(loop: Loop) -> None:
    project = loop.create(0)
    loop.retrain(project)
    assert history(loop, project).read() == []


def test_it_grows_in_parts(tmp_path: Path) -> None:
    kept = History(Files(tmp_path))
    for number in range(3):
        kept.add([{"version": f"v{400 * number + n}"} for n in range(400)])
    assert [path.split("/")[1] for path in kept.parts()] == [
        "000001-0500.jsonl",
        "000002-0500.jsonl",
        "000003-0200.jsonl",
    ]
    assert [entry["version"] for entry in kept.read()] == [f"v{n}" for n in range(1200)]


def test_a_torn_line_costs_itself_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = History(Files(tmp_path))
    kept.add([{"version": f"v{n}"} for n in range(4)])
    path = tmp_path / kept.parts()[0]
    path.write_bytes(path.read_bytes()[:-5])
    kept.add([{"version": "v4"}])
    with caplog.at_level(logging.WARNING):
        assert [entry["version"] for entry in kept.read()] == ["v0", "v1", "v2", "v4"]
    assert "1 lines of" in caplog.text


def test_a_store_that_takes_nothing_does_not_fail_a_retrain(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    project = loop.create(30, labeled=4)

    def refuse(self: History, rows: object) -> None:
        raise ModelStoreError("the bucket is full")

    monkeypatch.setattr(History, "add", refuse)
    with caplog.at_level(logging.WARNING):
        assert loop.retrain(project)["published"]
    assert "not in the history: the bucket is full" in caplog.text


def test_where_the_copy_of_the_tasks_is_damaged_all_but_the_annotators_is_written_down(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    project = loop.create(30, labeled=4)
    done = loop.retrain(project)
    project_files(loop.settings, project.id).delete("history")
    (project_dir(loop.settings.data_dir, project.id) / "tasks.sqlite").write_bytes(b"no database" * 500)
    keep_history(loop.settings, project.id, done)
    (entry,) = history(loop, project).read()
    assert entry["annotators"] == {}
    assert entry["trained_on"] == 4
    assert "is damaged" in caplog.text


def test_versions_lists_all_retrains_and_which_can_be_pinned(loop: Loop, tmp_path: Path) -> None:
    project = retrained(loop, 4)
    said = CliRunner().invoke(main, ["versions", "--project", str(project.id), "--json"])
    assert [row["state"] for row in json.loads(said.stdout)] == ["", "", "kept", "published"]

    out = tmp_path / "retrains.csv"
    done = CliRunner().invoke(main, ["versions", "--project", str(project.id), "--csv", str(out)])
    assert done.exit_code == 0, done.output
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["trained_on"] for row in rows] == ["4", "5", "6", "7"]
    assert sum(json.loads(rows[-1]["labels"]).values()) == 7
    again = CliRunner().invoke(main, ["versions", "--project", str(project.id), "--csv", str(out)])
    assert again.exit_code == 2
    assert "give --force" in again.output


def test_a_long_history_shows_its_end(loop: Loop) -> None:
    project = retrained(loop, 1)
    history(loop, project).add([{"version": f"atlas-{n:06d}"} for n in range(2, 41)])
    said = CliRunner().invoke(main, ["versions", "--project", str(project.id)]).output
    assert "atlas-000040" in said
    assert "atlas-000020" not in said
    assert "20 earlier retrains" in said
    everything = CliRunner().invoke(main, ["versions", "--project", str(project.id), "--all"]).output
    assert "atlas-000001" in everything
