"""A box, or a point, under an annotator's hand, answered by a real gunicorn with what our detector sees."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import httpx
import pytest

from backend.demo.label_studio import free_port
from backend.jobs.learners import boxes
from backend.learning import detection
from backend.learning.detection import train_detection
from backend.running.backend import inherited_environment
from backend.running.supervisor import Supervisor
from tests.content import file_server
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json
from tests.unit.boxed import CONFIG, COUNT, draw, is_hit, number, picture, right

MANUAL = {"original_width": 120, "original_height": 120, "image_rotation": 0, "origin": "manual"}
"""What the editor sends with a region that was just drawn (seen; Label Studio 1.23.2)."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a web server on the data, the Redis and the settings of this process."""
    port = free_port(0)

    def ready() -> bool:
        with suppress(httpx.HTTPError):  # gunicorn listens before it has a process that answers
            return httpx.get(f"http://127.0.0.1:{port}/health", timeout=1, trust_env=False).is_success
        return False

    with Supervisor() as supervisor:
        environment = {**inherited_environment(), "PORT": str(port)}
        command = [sys.executable, "-m", "backend", "serve"]
        supervisor.start("web", command, environment, log=folder / "web.log", ready=ready)
        yield f"http://127.0.0.1:{port}"


def answered(url: str, project: FakeProject, of: int, *drawn: Json) -> list[Json]:
    """The regions that come back, where an annotator has just drawn some on a picture."""
    task = next(task for task in project.tasks if number(project, task) == of)
    body = {
        "tasks": [{"id": task, "data": project.tasks[task]["data"]}],
        "project": f"{project.id}.1",
        "label_config": CONFIG,
        "params": {"login": None, "password": None, "context": {"result": list(drawn)}},
    }
    answer = httpx.post(f"{url}/predict", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return [region for each in answer.json()["results"] for region in each["result"]]


def test_what_is_drawn_is_answered_with_the_box_that_the_trained_detector_sees(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After labels and a retrain, as Label Studio's editor asks."""
    monkeypatch.setattr(boxes, "train_detection", partial(train_detection, steps=60))
    monkeypatch.setattr(detection, "FOLDS", 2)
    with file_server() as files:
        files.answers |= {f"/{i}.png": picture(i) for i in range(COUNT)}
        loop.set(content_hosts=f"127.0.0.1:{files.port}", encode_within=60)
        images = [{"image": f"{files.url}/{i}.png"} for i in range(COUNT)]
        project = loop.fake.create(images, label_config=CONFIG)
        loop.fake.spread(project.id)
        draw(loop, project, range(14))
        assert loop.retrain(project)["published"]
    published = {region["id"] for each in project.predictions for region in each["result"]}
    rough = {**MANUAL, **right(15)}
    rough["value"] |= {"x": rough["value"]["x"] - 4, "width": rough["value"]["width"] + 8}
    other = {**rough, "value": {**rough["value"], "rectanglelabels": ["red"]}}
    middle = {each: rough["value"][each] + 18 for each in ("x", "y")}
    point = {"from_name": "kp", "to_name": "i", "type": "keypointlabels", "is_positive": True}
    pointed = {
        **MANUAL,
        **point,
        "value": {**middle, "width": 0.23, "labels": ["blue"], "keypointlabels": ["blue"]},
    }
    far = {**rough, "value": {**rough["value"], "x": 99, "y": 99, "width": 1, "height": 1}}
    with serving(tmp_path) as url:  # nothing of an image can be fetched any more: kept maps are read
        (found,) = answered(url, project, 15, rough)
        assert is_hit(15, found)
        assert found["id"] not in published
        assert [each["value"]["rectanglelabels"] for each in answered(url, project, 15, other)] == [["red"]]
        (found,) = answered(url, project, 15, pointed)
        assert is_hit(15, found)
        assert answered(url, project, 15, far) == []
