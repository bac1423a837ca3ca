"""The map's job: every item has a place, new ones join the old picture, and colours follow the labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backend.jobs.projecting import project_items
from backend.jobs.stepping_aside import Overtaken
from backend.learning import projection
from backend.store.item_map import COLUMNS, NO_DOUBT, NONE, header_of
from backend.store.locations import item_maps, project_files
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapped.prediction import WrappedPrediction
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "EARLY", 50)
    monkeypatch.setattr(projection, "LATE", 50)


def shown(loop: Loop, project: FakeProject) -> tuple[dict[str, Any], dict[str, Any]]:
    content = item_maps(loop.settings, project.id).shown()
    assert content is not None
    header, columns = header_of(content), {}
    at = 4 + int.from_bytes(content[:4], "little")
    for name, kind in COLUMNS.items():
        at += -at % 4
        columns[name] = np.frombuffer(content, kind, header["items"], at)
        at += columns[name].nbytes
    return header, columns


def test_every_item_has_a_place_and_its_colours(loop: Loop) -> None:
    project = loop.create(40, labeled=8)
    loop.retrain(project)
    assert "40 contents" in project_items(project.id)["said"]
    header, columns = shown(loop, project)
    assert columns["task"].tolist() == sorted(project.tasks)
    assert set(header["labels"]) == {"disaster", "other"}
    labelled = {task for task in project.tasks if project.annotations.of(task)}
    assert set(columns["task"][columns["label"] != NONE].tolist()) == labelled
    assert set(columns["task"][columns["annotator"] != NONE].tolist()) == labelled
    assert (columns["guess"] != NONE).all()
    assert (columns["doubt"] != NO_DOUBT).all()
    assert max(columns["x"].max() - columns["x"].min(), columns["y"].max() - columns["y"].min()) == 65535
    assert header["version"] == loop.versions(project).names()[-1]
    assert 0 < header["kept"] <= 1


def test_a_wrapped_projects_predictions_are_its_backends_own(loop: Loop) -> None:
    project = loop.create(40, labeled=8)
    loop.state(project).wraps = "http://theirs:9090"
    for connection in project.connections.values():
        connection["extra_params"] = {"wraps": "http://theirs:9090"}
    kept = WrappedPredictions(project_files(loop.settings, project.id))
    said = {task: ("disaster", "other")[task % 2] for task in list(project.tasks)[5:35]}
    kept.add([WrappedPrediction(task, "theirs-1", (choice(each),), 0.9, 1.0) for task, each in said.items()])
    loop.retrain(project)
    project_items(project.id)
    header, columns = shown(loop, project)
    names = [None if each == NONE else header["labels"][each] for each in columns["guess"].tolist()]
    assert dict(zip(columns["task"].tolist(), names, strict=True)) == {
        task: said.get(task) for task in project.tasks
    }


def test_new_items_join_the_picture_in_which_no_other_moves(loop: Loop) -> None:
    project = loop.create(40, labeled=8)
    loop.retrain(project)
    project_items(project.id)
    before = item_maps(loop.settings, project.id).read(loop.versions(project).encoder("atlas-000001") or "")
    loop.fake.add_tasks(project.id, ["flood fire number 100", "tea game number 101"])
    loop.dispatcher.demand_retrain(project.id)
    loop.retrain(project)
    project_items(project.id)
    assert before is not None
    after = item_maps(loop.settings, project.id).read(before.encoder)
    assert after is not None
    assert np.array_equal(after.positions[:40], before.positions)
    assert len(shown(loop, project)[1]["task"]) == 42


def test_a_pool_of_other_items_gets_a_picture_of_its_own(loop: Loop) -> None:
    project = loop.create(40, labeled=8)
    loop.retrain(project)
    project_items(project.id)
    for number, task in enumerate(project.tasks.values()):
        task["data"] = {"text": f"{task['data']['text']} again {number}"}
        task["updated_at"] = "2031-01-01T00:00:00Z"
    loop.dispatcher.demand_retrain(project.id)
    loop.retrain(project)
    project_items(project.id)
    columns = shown(loop, project)[1]
    assert len(set(zip(columns["x"].tolist(), columns["y"].tolist(), strict=True))) > 20


def test_a_map_that_makes_room_goes_on_from_where_it_was(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    project = loop.create(40, labeled=8)
    loop.retrain(project)
    looks = iter([None, None, Overtaken("a retrain waits")])

    def look(_: object) -> None:
        if (found := next(looks, None)) is not None:
            raise found

    monkeypatch.setattr("backend.jobs.stepping_aside.StepAside.look", look)
    assert project_items(project.id)["overtaken"]
    assert item_maps(loop.settings, project.id).shown() is None
    began = []
    monkeypatch.setattr("backend.learning.projection.begun", lambda *_: began.append(1))
    project_items(project.id)
    assert not began
    assert len(shown(loop, project)[1]["task"]) == 40


def test_without_a_version_there_is_no_map(loop: Loop) -> None:
    project = loop.create(5)
    assert "no version" in project_items(project.id)["said"]


def test_a_damaged_map_is_made_anew(loop: Loop) -> None:
    project = loop.create(40, labeled=8)
    loop.retrain(project)
    project_items(project.id)
    maps = item_maps(loop.settings, project.id)
    maps._files.write("item-map.safetensors", b"damaged")
    project_items(project.id)
    assert len(shown(loop, project)[1]["task"]) == 40
