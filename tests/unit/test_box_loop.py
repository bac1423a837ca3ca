"""A project of boxes on images: maps are made where images are fetched, and a detector learns from them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

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

LABELS = '<RectangleLabels name="b" toName="i"><Label value="red"/><Label value="blue"/></RectangleLabels>'
CONFIG = f'<View><Image name="i" value="$image"/>{LABELS}</View>'
COUNT, SIDE, EDGE = 20, 120, 50


def place(number: int) -> tuple[int, int]:
    """Where the square of a picture is, in pixels."""
    return (number * 37) % (SIDE - EDGE), (number * 53) % (SIDE - EDGE)


@cache
def picture(number: int) -> bytes:
    """A red or a blue square on noise."""
    noise = np.random.default_rng(number).integers(90, 160, (SIDE, SIDE, 3)).astype(np.uint8)
    image, (x, y) = Image.fromarray(noise), place(number)
    ImageDraw.Draw(image).rectangle((x, y, x + EDGE - 1, y + EDGE - 1), fill=("red", "blue")[number % 2])
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


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


def number(project: FakeProject, task: int) -> int:
    return int(project.tasks[task]["data"]["image"].rsplit("/", 1)[1].split(".")[0])


def right(of: int) -> Json:
    x, y = place(of)
    value = {
        "x": 100 * x / SIDE,
        "y": 100 * y / SIDE,
        "width": 100 * EDGE / SIDE,
        "height": 100 * EDGE / SIDE,
    }
    told = {"id": "a", "from_name": "b", "to_name": "i", "type": "rectanglelabels"}
    return {**told, "value": {**value, "rotation": 0, "rectanglelabels": [("red", "blue")[of % 2]]}}


def draw(loop: Loop, project: FakeProject, numbers: range) -> None:
    for task in [task for task in project.tasks if number(project, task) in numbers]:
        loop.fake.annotate(project.id, task, [right(number(project, task))], user=1)
        loop.state(project).note_changes(1)


def shown(project: FakeProject) -> dict[int, list[Json]]:
    """By the picture's number, the boxes in the version that Label Studio orders by."""
    current = project.settings["model_version"]
    return {
        number(project, each["task"]): each["result"]
        for each in project.predictions
        if each["model_version"] == current
    }


def is_hit(of: int, region: Json) -> bool:
    """Half of the square's size off at most, and of its colour."""
    value, truth = region["value"], right(of)["value"]
    near = all(abs(value[each] - truth[each]) < 20 for each in ("x", "y", "width", "height"))
    return near and value["rectanglelabels"] == truth["rectanglelabels"]


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


def drawn(project: FakeProject, task: int, *regions: Json) -> list[Json]:
    """What is answered to what an annotator has just drawn on a task's image."""
    body = {
        "tasks": [{"id": task, "data": project.tasks[task]["data"]}],
        "project": f"{project.id}.1",
        "label_config": CONFIG,
        "params": {"context": {"result": list(regions)}},
    }
    answer = create_app().test_client().post("/predict", json=body).get_json()["results"]
    return [region for each in answer for region in each["result"]]


def test_a_box_or_a_point_under_the_hand_is_answered_with_the_box_that_is_meant(
    loop: Loop, project: FakeProject, learns_well: None
) -> None:
    draw(loop, project, range(14))
    loop.retrain(project)
    task = next(task for task in project.tasks if number(project, task) == 15)
    rough = right(15)
    rough["value"] |= {"x": rough["value"]["x"] - 4, "width": rough["value"]["width"] + 8}
    (found,) = drawn(project, task, rough)
    assert is_hit(15, found)
    assert found["id"] not in {each["id"] for each in shown(project)[15]}
    other = {**rough, "value": {**rough["value"], "rectanglelabels": ["red"]}}
    assert [each["value"]["rectanglelabels"] for each in drawn(project, task, other)] == [["red"]]
    middle = {each: rough["value"][each] + 18 for each in ("x", "y")}
    point = {"from_name": "kp", "to_name": "i", "type": "keypointlabels"}
    (found,) = drawn(project, task, {**point, "value": {**middle, "width": 0.2, "keypointlabels": ["blue"]}})
    assert is_hit(15, found)
    far = {**rough, "value": {**rough["value"], "x": 99, "y": 99, "width": 1, "height": 1}}
    assert drawn(project, task, far) == []


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
