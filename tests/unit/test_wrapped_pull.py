"""A wrapped backend's answers are asked for head first, kept, and shown in our order, whatever it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backend.jobs import wrapped_head
from backend.jobs.measures import Measures
from backend.jobs.wrapped_job import NOT_CONFIGURED
from backend.jobs.wrapped_pull import ask_again, pull_wrapped
from backend.jobs.wrapped_state import WrappedState
from backend.store.locations import project_files
from backend.store.wrapped_access import WrappedAccess, keep_access
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapped.prediction import WrappedPrediction
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.wrapped import FakeBackend, served


@pytest.fixture
def theirs() -> Iterator[FakeBackend]:
    with served() as backend:
        backend.answers["/predict"] = lambda body: {"results": [said(task) for task in body["tasks"]]}
        yield backend


@pytest.fixture(autouse=True)
def quick(loop: Loop, theirs: FakeBackend) -> None:
    loop.set(wrapped_backends=theirs.url.removeprefix("http://"), wrapped_rate=1e6, queue_head=4)


def said(task: dict[str, Any], label: str = "other", version: str = "theirs-1") -> dict[str, Any]:
    region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}
    return {"result": [region], "score": 0.4, "model_version": version}


def wrapping(loop: Loop, theirs: FakeBackend, count: int = 40, **settings: Any) -> FakeProject:
    project = loop.create(count, **settings)
    for connection in project.connections.values():
        connection["extra_params"] = {"wraps": theirs.url}
    loop.retrain(project)
    return project


def asked(theirs: FakeBackend) -> list[int]:
    return [task["id"] for body in theirs.bodies("/predict") for task in body["tasks"]]


def state(loop: Loop, project: FakeProject) -> WrappedState:
    return WrappedState(loop.redis, project.id)


def kept(loop: Loop, project: FakeProject) -> dict[int, WrappedPrediction]:
    return WrappedPredictions(project_files(loop.settings, project.id)).newest(project.tasks)


def shown(project: FakeProject) -> dict[int, list[Any]]:
    """What annotators see of the published head, by task."""
    current = project.settings["model_version"]
    return {each["task"]: each["result"] for each in project.predictions if each["model_version"] == current}


def test_a_connections_extra_params_wrap_a_backend(loop: Loop, theirs: FakeBackend) -> None:
    project = wrapping(loop, theirs)
    assert loop.state(project).wraps == theirs.url
    assert f"wrapped-{project.id}" in loop.jobs()


def test_the_heads_answers_are_the_wrapped_backends(loop: Loop, theirs: FakeBackend) -> None:
    """Though a network of ours would say otherwise: each text with its label is known."""
    project = wrapping(loop, theirs)
    for task in list(project.tasks)[:12]:
        loop.label(project, task)
    done = loop.retrain(project)
    assert done["published"]
    assert done["wrapped"] == {"url": theirs.url, "version": "theirs-1"}
    assert {str(each[0]["value"]) for each in shown(project).values()} == {"{'choices': ['other']}"}
    assert set(shown(project)) >= set(loop.queue(project)[:4])


def test_the_head_is_asked_about_first_then_the_pool_in_the_queues_order(
    loop: Loop, theirs: FakeBackend
) -> None:
    project = wrapping(loop, theirs)
    loop.retrain(project)
    before = asked(theirs)
    queue = loop.versions(project).load(project.settings["model_version"]).queue_ids.tolist()
    assert set(queue[:4]) <= set(before)
    done = pull_wrapped(project.id)
    rest = asked(theirs)[len(before) :]
    assert rest == [task for task in queue if task not in before]
    assert (done["left"], done["wait"], set(kept(loop, project))) == (0, None, set(project.tasks))
    progress = state(loop, project).progress
    assert progress is not None
    assert (progress.pool, progress.done) == (40, 40)
    assert theirs.bodies("/setup")[0]["schema"] == project.settings["label_config"]
    assert pull_wrapped(project.id)["asked"] == 0


def test_no_batch_has_more_tasks_than_the_setting_allows(loop: Loop, theirs: FakeBackend) -> None:
    loop.set(wrapped_batch=3)
    project = wrapping(loop, theirs)
    loop.retrain(project)
    pull_wrapped(project.id)
    assert max(len(body["tasks"]) for body in theirs.bodies("/predict")) == 3
    assert sorted(asked(theirs)) == sorted(project.tasks)


def test_at_a_rate_of_none_the_head_alone_is_asked_about(loop: Loop, theirs: FakeBackend) -> None:
    loop.set(wrapped_rate=0)
    project = wrapping(loop, theirs)
    loop.retrain(project)
    done = pull_wrapped(project.id)
    assert set(asked(theirs)) == set(shown(project))
    assert done["left"] == 40 - len(set(asked(theirs)))
    assert done["wait"] is None


def test_what_has_been_labelled_meanwhile_is_not_asked_about(loop: Loop, theirs: FakeBackend) -> None:
    project = wrapping(loop, theirs)
    loop.retrain(project)
    late = next(task for task in project.tasks if task not in asked(theirs))
    loop.label(project, late)
    done = pull_wrapped(project.id)
    assert late not in asked(theirs)
    assert (done["left"], done["wait"]) == (0, None)


@pytest.mark.parametrize("broken", ["fails", "garbage", "short"])
def test_one_task_that_it_cannot_answer_costs_itself_alone(
    loop: Loop, theirs: FakeBackend, broken: str
) -> None:
    project = wrapping(loop, theirs)
    loop.retrain(project)
    poison = next(task for task in project.tasks if task not in asked(theirs))

    def answer(body: Any) -> Any:
        tasks = [task for task in body["tasks"] if task["id"] != poison]
        if broken == "short" or len(tasks) == len(body["tasks"]):
            return {"results": [said(task) for task in tasks]}
        return (500, b"no such picture") if broken == "fails" else (200, b"<html>oops</html>")

    theirs.answers["/predict"] = answer
    done = pull_wrapped(project.id)
    assert set(kept(loop, project)) == set(project.tasks) - {poison}
    assert all(each.result[0]["value"] == {"choices": ["other"]} for each in kept(loop, project).values())
    assert (done["left"], done["wait"]) == (0, None)
    assert state(loop, project).silent() == {poison}
    assert pull_wrapped(project.id)["asked"] == 0


def test_one_that_is_down_is_left_alone_for_longer_each_time(loop: Loop, theirs: FakeBackend) -> None:
    project = wrapping(loop, theirs)
    theirs.answers["/setup"] = lambda body: (503, b"starting")
    loop.redis.delete(f"atlas:project:{project.id}:wrapped")
    first = pull_wrapped(project.id)
    assert first["wait"] == 5
    assert first["failure"] == "fails"  # anybody may read it
    failure = state(loop, project).failure
    assert failure is not None
    assert "503: starting" in failure.said
    again = pull_wrapped(project.id)
    assert 0 < again["wait"] <= 5
    assert len(theirs.bodies("/setup")) == 1
    loop.redis.hset(f"atlas:project:{project.id}:wrapped", "rests_until", 0)
    assert pull_wrapped(project.id)["wait"] == 10
    failure = state(loop, project).failure
    assert failure is not None
    assert (failure.times, failure.remedy) == (2, "Look into its own log.")
    loop.redis.hset(f"atlas:project:{project.id}:wrapped", "rests_until", 0)
    del theirs.answers["/setup"]
    assert pull_wrapped(project.id)["left"] == 0
    assert state(loop, project).failure is None


def test_the_head_is_published_without_one_that_is_down_and_again_with_it(
    loop: Loop, theirs: FakeBackend
) -> None:
    works = theirs.answers.pop("/predict")
    theirs.answers["/predict"] = lambda body: (500, b"no model")
    project = wrapping(loop, theirs)
    loop.retrain(project)
    assert set(map(len, shown(project).values())) == {0}
    theirs.answers["/predict"] = works
    loop.redis.hset(f"atlas:project:{project.id}:wrapped", "rests_until", 0)
    loop.redis.delete(f"atlas:project:{project.id}:silent")
    pull_wrapped(project.id)
    assert f"retrain-{project.id}" in loop.jobs()
    loop.retrain(project)
    assert set(map(len, shown(project).values())) == {1}


def test_answers_that_do_not_fit_the_label_config_spoil_no_publication(
    loop: Loop, theirs: FakeBackend
) -> None:
    theirs.answers["/predict"] = lambda body: {
        "results": [said(task, "storm" if task["id"] % 2 else "other") for task in body["tasks"]]
    }
    project = wrapping(loop, theirs)
    assert loop.retrain(project)["published"]
    assert {task: len(result) for task, result in shown(project).items()} == {
        task: 1 - task % 2 for task in shown(project)
    }
    assert state(loop, project).problems == wrapped_head.UNFIT


def test_another_version_is_asked_about_the_head_first_and_shown(loop: Loop, theirs: FakeBackend) -> None:
    project = wrapping(loop, theirs)
    loop.retrain(project)
    pull_wrapped(project.id)
    loop.retrain(project)
    theirs.version = "theirs-2"
    theirs.answers["/predict"] = lambda body: {
        "results": [said(task, "disaster", "theirs-2") for task in body["tasks"]]
    }
    before = len(asked(theirs))
    state(loop, project).asks_anew()
    assert pull_wrapped(project.id)["left"] == 0
    again, head = asked(theirs)[before:], set(loop.queue(project)[:4])
    assert set(again[:4]) == head
    assert sorted(again) == sorted(project.tasks)
    assert f"retrain-{project.id}" in loop.jobs()
    loop.retrain(project)
    assert all(result[0]["value"] == {"choices": ["disaster"]} for result in shown(project).values())


def test_one_that_names_another_version_each_time_is_not_asked_for_ever(
    loop: Loop, theirs: FakeBackend
) -> None:
    numbers = iter(range(10_000))
    theirs.answers["/setup"] = lambda body: {}
    theirs.answers["/predict"] = lambda body: {
        "results": [said(task, version=f"v{next(numbers)}") for task in body["tasks"]]
    }
    project = wrapping(loop, theirs)
    loop.retrain(project)
    for _ in range(5):
        pull_wrapped(project.id)
    assert len(asked(theirs)) <= 3 * len(project.tasks)


def test_an_address_that_is_not_allowed_is_never_called(
    loop: Loop, theirs: FakeBackend, caplog: pytest.LogCaptureFixture
) -> None:
    loop.set(wrapped_backends="other:9090")
    project = wrapping(loop, theirs)
    assert loop.retrain(project)["published"]
    done = pull_wrapped(project.id)
    assert "WRAPPED_BACKENDS does not name" in caplog.text
    assert done["reason"] == NOT_CONFIGURED
    assert done["wait"] is None
    assert theirs.asked == []


def test_it_is_asked_with_the_credentials_that_are_kept_for_its_address_alone(
    loop: Loop, theirs: FakeBackend
) -> None:
    project = wrapping(loop, theirs)
    files = project_files(loop.settings, project.id)
    keep_access(files, WrappedAccess("http://elsewhere:1", "me", "secret"))
    pull_wrapped(project.id)
    assert set(theirs.authorizations) == {""}
    keep_access(files, WrappedAccess(theirs.url, "me", "secret"))
    state(loop, project).asks_anew()
    pull_wrapped(project.id)
    assert theirs.authorizations[-1] == "Basic bWU6c2VjcmV0"
    (place,) = loop.settings.data_dir.rglob("wrapped.private.json")
    assert place.stat().st_mode & 0o777 == 0o600


def test_it_is_counted_how_often_it_was_asked_and_how_it_failed(loop: Loop, theirs: FakeBackend) -> None:
    project = wrapping(loop, theirs)
    loop.retrain(project)
    pull_wrapped(project.id)
    theirs.answers["/predict"] = lambda body: (500, b"")
    state(loop, project).set_up("theirs-9", "", 1e10)
    state(loop, project)._set("set_up", "1e10")
    pull_wrapped(project.id)
    counted = Measures(loop.redis).counters()
    assert counted["wrapped"][project.id, "well"] > 0
    assert counted["wrapped"][project.id, "fails"] == 6  # of four, two, one, one, two, one
    assert counted["wrapped_seconds"][project.id, "all"] > 0


def test_the_job_asks_for_itself_again_once_it_has_ended(loop: Loop, theirs: FakeBackend) -> None:
    project = wrapping(loop, theirs)
    loop.redis.flushall()
    ask_again(loop.dispatcher, project.id, {"wait": None})
    assert loop.jobs() == set()
    ask_again(loop.dispatcher, project.id, {"wait": 0})
    assert loop.jobs() == {f"wrapped-{project.id}"}
    loop.redis.flushall()
    loop.dispatcher.request_wrapped_pull(project.id)
    loop.redis.delete(f"rq:job:wrapped-{project.id}")
    ask_again(loop.dispatcher, project.id, {"wait": None})
    assert f"wrapped-{project.id}" in loop.jobs()
