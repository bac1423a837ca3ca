"""A project that wraps somebody else's ML backend: the order follows where that one is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backend.jobs.forwarding import forward
from backend.jobs.learners.wrapped import BY_CHANCE, UNREAD
from backend.jobs.wrapped_heard import heard_of
from backend.jobs.wrapped_pull import pull_wrapped
from backend.store.locations import project_files
from backend.store.tasks import StoredTask
from backend.store.wrapped_predictions import WrappedPredictions
from backend.web.app import create_app
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop, label_of
from tests.fakes.project import FakeProject
from tests.fakes.wrapped import FakeBackend, served

SOUND = (
    '<View><Audio name="a" value="$sound"/><Labels name="l" toName="a"><Label value="noise"/></Labels></View>'
)


@pytest.fixture
def theirs() -> Iterator[FakeBackend]:
    """Always as sure of the same label."""
    with served() as backend:
        backend.answers["/predict"] = lambda body: {"results": [other(task) for task in body["tasks"]]}
        yield backend


@pytest.fixture(autouse=True)
def quick(loop: Loop, theirs: FakeBackend) -> None:
    loop.set(
        wrapped_backends=theirs.url.removeprefix("http://"), wrapped_rate=1e6, queue_head=10, retrain_every=8
    )


def other(task: dict[str, Any], label: str = "other", score: float = 0.9) -> dict[str, Any]:
    return {"result": [choice(label)], "score": score, "model_version": "theirs-1"}


def wrapping(loop: Loop, theirs: FakeBackend, *args: Any, **settings: Any) -> FakeProject:
    project = loop.fake.create(*args, **settings) if args else loop.create(60)
    for connection in project.connections.values():
        connection["extra_params"] = {"wraps": theirs.url}
    loop.retrain(project)
    return project


def caught_up(loop: Loop, project: FakeProject) -> dict[str, Any]:
    """Told, asked and ranked anew."""
    forward(project.id)
    pull_wrapped(project.id)
    loop.state(project).want_version()
    return loop.retrain(project)


def label_the_first(loop: Loop, project: FakeProject, count: int) -> list[int]:
    first = loop.queue(project)[:count]
    for task in first:
        loop.label(project, task)
    return first


def test_where_it_is_wrong_comes_first(loop: Loop, theirs: FakeBackend) -> None:
    """It calls all texts "other": of those that wait the others come behind."""
    project = wrapping(loop, theirs)
    caught_up(loop, project)
    for _ in range(2):
        label_the_first(loop, project, 8)
        done = caught_up(loop, project)
    assert done["verdicts"]["judged"] == 16
    assert 0 < done["verdicts"]["agreement"] < 1
    assert done["verdicts"]["version"] == "theirs-1"
    kinds = [label_of(project.tasks[task]["data"]["text"]) for task in loop.queue(project)[:8]]
    assert kinds.count("disaster") >= 7


def test_no_network_of_ours_predicts_what_it_answers(loop: Loop, theirs: FakeBackend) -> None:
    project = wrapping(loop, theirs)
    caught_up(loop, project)
    label_the_first(loop, project, 8)
    caught_up(loop, project)
    version = loop.versions(project).load(project.settings["model_version"])
    assert {network.kind for model in version.models for network in model.networks.values()} == {"wrapped"}
    current = project.settings["model_version"]
    shown = [each["result"] for each in project.predictions if each["model_version"] == current]
    assert all(each[0]["value"] == {"choices": ["other"]} for each in shown)


def test_the_first_order_needs_no_answer(loop: Loop, theirs: FakeBackend) -> None:
    theirs.answers["/predict"] = lambda body: (503, b"loading")
    project = wrapping(loop, theirs)
    done = caught_up(loop, project)
    assert done["published"]
    assert len(loop.queue(project)) >= 10
    label_the_first(loop, project, 8)
    assert caught_up(loop, project)["verdicts"] == {"judged": 0}


def test_a_verdict_is_of_before_it_could_learn(loop: Loop, theirs: FakeBackend) -> None:
    """What it says of a task once it was told of its annotation is no verdict, right as it may be."""
    project = wrapping(loop, theirs)
    caught_up(loop, project)
    tasks = label_the_first(loop, project, 8)
    forward(project.id)
    right = [choice(label_of(project.tasks[task]["data"]["text"])) for task in tasks]
    kept = WrappedPredictions(project_files(loop.settings, project.id))
    kept.add([prediction(kept, task, region) for task, region in zip(tasks, right, strict=True)])
    stored = [StoredTask(task, "", True, target="other") for task in tasks]
    heard = heard_of(loop.settings, project.id, stored)
    assert {each.version for each in heard.judged.values()} == {"theirs-1"}
    assert {kept.newest([task])[task].version for task in tasks} == {"theirs-2"}
    assert caught_up(loop, project)["verdicts"]["version"] == "theirs-1"


def test_a_drawn_task_without_an_answer_before_its_label_is_no_audit(loop: Loop, theirs: FakeBackend) -> None:
    loop.set(audit_share=0.5)
    answered, theirs.answers["/predict"] = theirs.answers["/predict"], lambda body: (503, b"loading")
    project = wrapping(loop, theirs)
    unheard = loop.drawn(project).intersection(label_the_first(loop, project, 8))
    assert unheard
    forward(project.id)
    theirs.answers["/predict"] = answered
    loop.redis.delete(*loop.redis.keys("*wrapped*"))
    assert caught_up(loop, project)["estimate"]["audited"] == 0
    judged = loop.drawn(project).intersection(label_the_first(loop, project, 8))
    assert caught_up(loop, project)["estimate"]["audited"] == len(judged) > 0


def prediction(kept: WrappedPredictions, task: int, region: dict[str, Any]) -> Any:
    before = kept.newest([task])[task]
    return type(before)(task, "theirs-2", (region,), 0.9, before.made + 10_000)


def test_what_nothing_of_ours_can_read_is_ordered_by_what_it_says(loop: Loop, theirs: FakeBackend) -> None:
    sounds = [{"sound": f"/{i}.wav"} for i in range(40)]
    theirs.answers["/predict"] = lambda body: {"results": [heard(task) for task in body["tasks"]]}
    theirs.hanging.set()
    loop.set(wrapped_timeout=0.2)
    project = wrapping(loop, theirs, sounds, label_config=SOUND)
    assert project.settings["model_version"]
    stats = loop.versions(project).stats(project.settings["model_version"])
    assert BY_CHANCE in stats["notes"]
    by_chance = loop.queue(project)
    assert by_chance != sorted(by_chance)
    theirs.release()
    loop.redis.delete(*loop.redis.keys("*wrapped*"))
    pull_wrapped(project.id)
    loop.set(strategy="margin")
    done = caught_up(loop, project)
    assert UNREAD in done["notes"]
    assert loop.queue(project)[:5] == list(project.tasks)[:5]  # as it is sure of them


def test_a_config_that_cannot_be_learned_is_connected_where_a_backend_is_wrapped(
    loop: Loop, theirs: FakeBackend
) -> None:
    body: dict[str, Any] = {"project": "1.5", "schema": SOUND, "extra_params": {"wraps": theirs.url}}
    with create_app().test_client() as client:
        assert client.post("/setup", json=body).status_code == 200
        assert client.post("/setup", json={**body, "extra_params": {}}).status_code == 400


def heard(task: dict[str, Any]) -> dict[str, Any]:
    """The surer the later."""
    number = int(task["data"]["sound"][1:-4])
    value = {"start": 0, "end": number, "labels": ["noise"]}
    region = {"id": "a", "from_name": "l", "to_name": "a", "type": "labels", "value": value}
    return {"result": [{**region, "score": (number + 1) / 50}], "model_version": "theirs-1"}
