"""A project of images: fetched by workers, ordered, guessed and placed as texts are; the web process opens no
address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Request

from backend.doctor import examine, tasks
from backend.doctor.finding import State
from backend.jobs import image_fetching
from backend.jobs.encoding import encode_shard
from backend.jobs.image_failures import AGAIN_AFTER, ImageFailures
from backend.jobs.pull import FILE
from backend.store.image_cache import image_cache
from backend.store.paths import project_dir
from backend.store.tasks import TaskStore
from backend.web.app import create_app
from tests.content import FileServer, file_server
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop
from tests.fakes.mean_colour import MeanColour, install, png
from tests.fakes.project import FakeProject

CONFIG = (
    '<View><Image name="i" value="$image"/><Choices name="label" toName="i">'
    '<Choice value="red"/><Choice value="blue"/></Choices></View>'
)
COUNT = 24


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> MeanColour:
    return install(monkeypatch)


@pytest.fixture
def files() -> Iterator[FileServer]:
    """/0.png is the bluest, /23.png the reddest."""
    with file_server() as server:
        server.answers |= {f"/{i}.png": png(10 * i) for i in range(COUNT)}
        yield server


@pytest.fixture
def project(loop: Loop, files: FileServer, encoder: MeanColour) -> FakeProject:
    loop.set(content_hosts=f"127.0.0.1:{files.port}", encode_within=60, queue_head=100, show_guess_from=0)
    images = [{"image": f"{files.url}/{i}.png"} for i in range(COUNT)]
    project = loop.fake.create(images, label_config=CONFIG)
    loop.fake.spread(project.id)
    return project


def number(project: FakeProject, task: int) -> int:
    return int(project.tasks[task]["data"]["image"].rsplit("/", 1)[1].split(".")[0])


def label(loop: Loop, project: FakeProject, numbers: range) -> None:
    for task in [task for task in project.tasks if number(project, task) in numbers]:
        right = "red" if number(project, task) >= COUNT // 2 else "blue"
        loop.fake.annotate(project.id, task, [choice(right)], user=1)
        loop.state(project).note_changes(1)


def guesses(project: FakeProject) -> dict[int, str]:
    """By the image's number, what is guessed of it in the version that Label Studio orders by."""
    current = project.settings["model_version"]
    return {
        number(project, each["task"]): each["result"][0]["value"]["choices"][0]
        for each in project.predictions
        if each["model_version"] == current and each["result"]
    }


def asked_for(project: FakeProject, task: int) -> dict[str, Any]:
    told = {"id": task, "data": project.tasks[task]["data"]}
    body = {"tasks": [told], "project": f"{project.id}.1", "label_config": CONFIG}
    answer = create_app().test_client().post("/predict", json=body)
    assert answer.status_code == 200
    (result,) = answer.get_json()["results"]
    return dict(result)


def test_a_first_order_then_guesses_by_what_is_seen(
    loop: Loop, project: FakeProject, files: FileServer
) -> None:
    done = loop.retrain(project)
    assert done["published"]
    assert done["waiting"] == len(loop.queue(project)) == COUNT
    label(loop, project, range(0, COUNT, 3))
    before = loop.queue(project)
    assert loop.retrain(project)["published"]
    assert loop.queue(project) != [task for task in before if task in loop.queue(project)]
    found = guesses(project)
    assert {found[i] for i in range(9) if i in found} == {"blue"}
    assert {found[i] for i in range(15, COUNT) if i in found} == {"red"}
    assert len(files.asked) == COUNT  # a second retrain has downloaded nothing


def test_signed_anew_it_is_neither_fetched_nor_encoded_again(
    loop: Loop, project: FakeProject, files: FileServer, encoder: MeanColour
) -> None:
    loop.retrain(project)
    for task in project.tasks.values():
        task["data"]["image"] += "?X-Amz-Date=2&X-Amz-Signature=1"
    loop.fake.spread(project.id)
    TaskStore.forget(project_dir(loop.settings.data_dir, project.id) / FILE)  # all tasks are read again
    assert loop.retrain(project)["waiting"] == COUNT
    assert (len(files.asked), encoder.encoded) == (COUNT, COUNT)


def test_an_image_that_cannot_be_had_costs_that_task_alone(
    loop: Loop, project: FakeProject, files: FileServer
) -> None:
    files.answers["/3.png"] = png(30)[:70]
    files.answers["/4.png"] = b"<svg></svg>"
    del files.answers["/5.png"]
    label(loop, project, range(0, COUNT, 2))
    done = loop.retrain(project)
    assert done["published"]
    assert "3 images cannot be had" in str(done["notes"])
    assert done["trained_on"] == COUNT // 2 - 1  # the labelled SVG
    behind = [number(project, task) for task in loop.queue(project)[-2:]]
    assert sorted(behind) == [3, 5]
    assert not {3, 5} & set(guesses(project))
    present = [(task, project.tasks[task]["data"]["image"]) for task in project.tasks]
    reasons = {
        number(project, task): why
        for task, why in ImageFailures(loop.redis, project.id).reasons(present).items()
    }
    assert sorted(reasons) == [3, 4, 5]
    assert "cut off" in reasons[3]
    assert "SVG" in reasons[4]
    assert "404" in reasons[5]
    with examine.Bench() as bench:
        finding = tasks.tasks(examine.ProjectBench(bench, project.id))
    assert finding.state is State.NOTE
    assert "3 images cannot be had" in finding.found
    assert "CONTENT_HOSTS" in finding.remedy
    asked = len(files.asked)
    loop.retrain(project)
    assert len(files.asked) == asked  # not at once again


def test_mended_it_is_learned_after_a_while(
    loop: Loop, project: FakeProject, files: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.answers["/4.png"] = b"<svg></svg>"
    label(loop, project, range(0, COUNT, 2))
    assert loop.retrain(project)["trained_on"] == COUNT // 2 - 1
    files.answers["/4.png"] = png(40)
    now = ImageFailures._now
    monkeypatch.setattr(ImageFailures, "_now", lambda self: now(self) + AGAIN_AFTER)
    done = loop.retrain(project)
    assert done["trained_on"] == COUNT // 2
    assert "cannot be had" not in str(done["notes"])


def test_what_a_retrain_has_no_time_for_goes_to_workers_in_shards(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.set(encode_within=0)
    monkeypatch.setattr(image_fetching, "BATCH", 10)
    done = loop.retrain(project)
    assert done["waiting"] == COUNT
    assert f"14 of {COUNT} images are not fetched yet" in str(done["notes"])
    (shard,) = image_cache(loop.settings, project.id).waiting.shards()
    assert f"encode-{project.id}-{shard.key}" in loop.jobs()
    assert encode_shard(project.id, shard.key) == {"texts": 14, "left": 0}
    assert f"retrain-{project.id}" in loop.jobs()
    assert "not fetched" not in str(loop.retrain(project)["notes"])


def test_an_unseen_image_is_answered_none_and_asked_of_a_worker_and_the_next_answer_has_it(
    loop: Loop, project: FakeProject, files: FileServer
) -> None:
    label(loop, project, range(0, COUNT, 2))
    loop.retrain(project)
    assert "result" in asked_for(project, list(project.tasks)[1])
    files.answers["/23.png?new"] = png(231)
    loop.fake.add_tasks(project.id, [{"image": f"{files.url}/23.png?new"}])
    task = max(project.tasks)
    asked = len(files.asked)
    assert "result" not in asked_for(project, task)
    assert len(files.asked) == asked  # the web process opens no address
    assert f"refill-{project.id}" in loop.jobs()
    loop.refill(project)
    assert task not in loop.queue(project)  # it would stand there without a guess
    for shard in image_cache(loop.settings, project.id).waiting.shards():
        encode_shard(project.id, shard.key)
    loop.refill(project)
    assert task in loop.queue(project)
    assert asked_for(project, task)["result"][0]["value"]["choices"] == ["red"]


def test_an_invented_address_in_a_request_is_never_asked(
    loop: Loop, project: FakeProject, files: FileServer
) -> None:
    loop.retrain(project)
    task, asked = next(iter(project.tasks)), len(files.asked)
    project.tasks[task]["data"] = {"image": f"{files.url}/secret.png"}
    told = {"id": task, "data": {"image": f"{files.url}/invented.png"}}
    body = {"tasks": [told], "project": f"{project.id}.1", "label_config": CONFIG}
    create_app().test_client().post("/predict", json=body)
    loop.refill(project)
    for shard in image_cache(loop.settings, project.id).waiting.shards():
        encode_shard(project.id, shard.key)
    assert "/invented.png" not in [path for path, _ in files.asked[asked:]]


def test_without_the_encoders_weights_it_is_said_what_to_install(
    loop: Loop, project: FakeProject, encoder: MeanColour, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load() -> None:
        raise ValueError("its weights are not installed: pip install this")

    monkeypatch.setattr(encoder, "load", load)
    done = loop.retrain(project)
    assert done["reason"] == "Nothing is learned of images: its weights are not installed: pip install this"


def test_addresses_are_read_as_they_stand_in_the_tasks(loop: Loop, project: FakeProject) -> None:
    """Else Label Studio puts addresses of its own, made for browsers, in the place of s3://..."""
    asked: list[str | None] = []

    def note(request: Request) -> None:
        if request.path.rstrip("/") == "/api/tasks" and "query" in request.args:
            asked.append(request.args.get("resolve_uri"))

    loop.fake.before = note
    loop.retrain(project)
    assert "false" in asked
