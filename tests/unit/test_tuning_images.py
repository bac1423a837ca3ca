"""Adapting the layers of an image encoder: to the small pictures that are kept, so that nothing is fetched;
whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.controls.config import parse_label_config
from backend.jobs.fine_tuning import fine_tune
from backend.jobs.kinds import TUNING_QUEUE
from backend.predicting import Predictor
from backend.store.locations import adapted_models
from tests.content import FileServer, file_server
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop
from tests.fakes.mean_colour import AdaptableColour, install, png
from tests.fakes.project import FakeProject
from tests.unit.test_tuning_job import MOMENTS, Forking, killed_fine_tuning, stats

CONFIG = (
    '<View><Image name="i" value="$image"/><Choices name="label" toName="i">'
    '<Choice value="red"/><Choice value="blue"/></Choices></View>'
)
COUNT, LABELED = 64, 44


@pytest.fixture
def files() -> Iterator[FileServer]:
    """Of even numbers they are red, each in a shade of its own."""
    with file_server() as server:
        shades = [(4 * i) % 120 + (132 if i % 2 == 0 else 0) for i in range(COUNT)]
        server.answers |= {f"/{i}.png": png(shade) for i, shade in enumerate(shades)}
        yield server


@pytest.fixture
def project(loop: Loop, files: FileServer, monkeypatch: pytest.MonkeyPatch) -> FakeProject:
    install(monkeypatch, AdaptableColour())
    loop.set(
        content_hosts=f"127.0.0.1:{files.port}",
        encode_within=60,
        queue_head=40,
        show_guess_from=0,
        fine_tune="last",
    )
    project = loop.fake.create([{"image": f"{files.url}/{i}.png"} for i in range(COUNT)], label_config=CONFIG)
    for task in list(project.tasks)[:LABELED]:
        loop.fake.annotate(project.id, task, [choice(truth(project, task))], user=1)
        loop.state(project).note_changes(1)
    loop.fake.spread(project.id)
    return project


def truth(project: FakeProject, task: int) -> str:
    number = int(project.tasks[task]["data"]["image"].rsplit("/", 1)[1].split(".")[0])
    return "red" if number % 2 == 0 else "blue"


def right(loop: Loop, project: FakeProject) -> float:
    """Of the guesses at the head of the queue, by a fresh web process and in Label Studio alike."""
    tasks, current = loop.queue(project), project.settings["model_version"]
    shown = {
        each["task"]: each["result"][0]["value"]["choices"][0]
        for each in project.predictions
        if each["model_version"] == current and each["result"]
    }
    asked = [{"id": task, "data": project.tasks[task]["data"]} for task in tasks]
    answers = Predictor(loop.settings).predict(project.id, parse_label_config(CONFIG), asked)
    said = {task: each["result"][0]["value"]["choices"][0] for task, each in zip(tasks, answers, strict=True)}
    assert said == {task: shown[task] for task in tasks}
    return sum(said[task] == truth(project, task) for task in tasks) / len(tasks)


def test_the_order_is_on_adapted_vectors_of_small_pictures_where_it_is_set_so(
    loop: Loop, project: FakeProject, files: FileServer
) -> None:
    loop.set(rank_on="adapted", queue_head=5, strategy="margin", audit_share=0)
    loop.retrain(project)
    asked = len(files.asked)
    assert fine_tune(project.id)["viewed"] == COUNT
    assert len(files.asked) == asked
    loop.retrain(project)
    told = stats(loop, project)["ranked_on"]
    assert told == {"vectors": "adapted", "tasks": COUNT - LABELED, "labels": LABELED}


def folder(loop: Loop, project: FakeProject, name: str) -> Path:
    return loop.settings.data_dir / "projects" / str(project.id) / name


def test_images_are_guessed_by_adapted_layers_and_none_is_fetched_for_it(
    loop: Loop, project: FakeProject, files: FileServer
) -> None:
    loop.retrain(project)
    assert f"finetune-{project.id}" in loop.jobs()
    order, asked = loop.queue(project), len(files.asked)
    assert right(loop, project) < 0.85
    told = fine_tune(project.id)
    assert told["labels"] == LABELED
    assert told["adapted"] > told["frozen"] + told["error"]
    loop.retrain(project)
    assert stats(loop, project)["adapted"]["digest"] == told["digest"]
    assert loop.queue(project) == order  # which is the frozen vectors'
    assert right(loop, project) > 0.95
    assert len(files.asked) == asked


def test_an_image_without_its_small_picture_is_guessed_by_the_version_itself(
    loop: Loop, project: FakeProject
) -> None:
    loop.retrain(project)
    before = right(loop, project)
    fine_tune(project.id)
    loop.retrain(project)
    assert right(loop, project) > 0.95
    for file in folder(loop, project, "images").glob("*.thumbnails.safetensors"):
        file.unlink()
    loop.retrain(project)
    assert right(loop, project) == before
    assert fine_tune(project.id)["said"] == "0 labels are too few, or of one class"


@pytest.mark.parametrize("within", MOMENTS)
def test_a_killed_fine_tuning_leaves_nothing_half_and_the_published_version_serves(
    loop: Loop, project: FakeProject, within: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.retrain(project)
    before = right(loop, project)
    killed_fine_tuning(loop, project, within, monkeypatch)
    assert adapted_models(loop.settings, project.id).attempt() is None
    loop.retrain(project)
    assert "adapted" not in stats(loop, project)
    assert right(loop, project) == before
    assert not list(folder(loop, project, "adapted").glob("*.safetensors"))
    Forking(loop.redis, [TUNING_QUEUE]).run()
    loop.retrain(project)
    assert right(loop, project) > 0.95
