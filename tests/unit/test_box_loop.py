"""A project of boxes on images: maps are made where images are fetched, and a detector learns from them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from backend.jobs.encoding import encode_shard
from backend.jobs.learners import boxes
from backend.learning import detection
from backend.learning.detection import train_detection
from backend.store import image_maps
from backend.store.image_cache import image_cache
from backend.store.image_maps import ImageMaps, map_encoder_named
from backend.web.app import create_app
from tests.content import FileServer, file_server
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json
from tests.unit.boxed import CONFIG, COUNT, draw, is_hit, number, picture


@pytest.fixture
def files() -> Iterator[FileServer]:
    with file_server() as server:
        server.answers |= {f"/{i}.png": picture(i) for i in range(COUNT)}
        yield server


@pytest.fixture
def project(
    loop: Loop, files: FileServer, monkeypatch: pytest.MonkeyPatch, pictures_once: None
) -> FakeProject:
    """Its detector is hardly trained."""
    monkeypatch.setattr(boxes, "train_detection", partial(train_detection, steps=2))
    loop.set(content_hosts=f"127.0.0.1:{files.port}", encode_within=60, queue_head=100, show_guess_from=0.3)
    images = [{"image": f"{files.url}/{i}.png"} for i in range(COUNT)]
    project = loop.fake.create(images, label_config=CONFIG)
    loop.fake.spread(project.id)
    return project


@pytest.fixture
def learns_well(project: FakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "train_detection", partial(train_detection, steps=60))
    monkeypatch.setattr(detection, "FOLDS", 2)


def shown(project: FakeProject) -> dict[int, list[Json]]:
    """By the picture's number, the boxes in the version that Label Studio orders by."""
    current = project.settings["model_version"]
    return {
        number(project, each["task"]): each["result"]
        for each in project.predictions
        if each["model_version"] == current
    }


def asked(project: FakeProject, *tasks: Json) -> list[dict[str, Any]]:
    body = {"tasks": list(tasks), "project": f"{project.id}.1", "label_config": CONFIG}
    answer = create_app().test_client().post("/predict", json=body)
    assert answer.status_code == 200, answer.get_json()
    results: list[dict[str, Any]] = answer.get_json()["results"]
    return results


def mapped(loop: Loop, project: FakeProject, name: str) -> int:
    """How many images have maps."""
    files = image_cache(loop.settings, project.id).files
    return len(ImageMaps(files, map_encoder_named(name)).digests())


def test_boxes_are_learned_shown_and_asked_for(loop: Loop, project: FakeProject, learns_well: None) -> None:
    done = loop.retrain(project)
    assert done["published"]
    assert len(loop.queue(project)) == COUNT
    assert not any(shown(project).values())
    draw(loop, project, range(12))
    done = loop.retrain(project)
    assert done["published"]
    assert done["labels"] == {"red": 6, "blue": 6}
    assert next(iter(done["measured"])) == "map50"
    assert sorted(number(project, task) for task in loop.queue(project)) == list(range(12, COUNT))
    found = shown(project)
    hits = [any(is_hit(of, region) for region in regions) for of, regions in found.items()]
    assert sum(hits) >= len(hits) / 2
    regions = [region for each in found.values() for region in each]
    assert all(0.3 <= region["score"] <= 1 for region in regions)
    task = next(task for task in project.tasks if number(project, task) == 15)
    unknown = {"id": None, "data": {"image": "http://127.0.0.1/other.png"}}
    known, nothing = asked(project, {"id": task, "data": project.tasks[task]["data"]}, unknown)
    assert known["result"] == found[15]
    assert not nothing  # Label Studio skips it, and a worker fetches it


def test_images_that_there_is_no_room_for_get_maps_once_they_are_labelled(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_maps, "MOST", 4)
    loop.retrain(project)
    name = "lite0maps-320-8.16.32"
    assert mapped(loop, project, name) == 4
    assert len(loop.queue(project)) == COUNT
    draw(loop, project, range(10))
    loop.retrain(project)
    waiting = sum(number(project, task) >= 10 for task in project.tasks)
    assert 10 <= mapped(loop, project, name) <= 10 + min(waiting, 8)
    assert len(loop.queue(project)) == waiting


def test_workers_make_the_maps_that_a_retrain_had_no_time_for(loop: Loop, project: FakeProject) -> None:
    loop.set(encode_within=0)
    loop.retrain(project)
    (*shards,) = image_cache(loop.settings, project.id).waiting.shards()
    assert shards
    for shard in shards:
        encode_shard(project.id, shard.key)
    assert mapped(loop, project, "lite0maps-320-8.16.32") == COUNT
    done = loop.retrain(project)
    assert done["published"]
    assert len(loop.queue(project)) == COUNT
