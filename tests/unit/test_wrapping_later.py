"""A project with labels, versions and an adapted model is wrapped, or wraps another backend than before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from backend.jobs import pinning
from backend.jobs.fine_tuning import fine_tune
from backend.jobs.forwarding import forward
from backend.jobs.wrapped_pull import pull_wrapped
from backend.jobs.wrapped_state import WrappedState
from backend.results.collect import collect
from backend.store.locations import project_files
from backend.store.wrapped_access import FILE, WrappedAccess, keep_access
from backend.store.wrapped_predictions import WrappedPredictions
from tests.fakes.adaptable_encoder import install
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.wrapped import FakeBackend, served
from tests.unit.test_wrapped_pull import said


@pytest.fixture
def theirs() -> Iterator[FakeBackend]:
    with served() as backend:
        answer(backend, "other")
        yield backend


@pytest.fixture(autouse=True)
def settings(loop: Loop, theirs: FakeBackend) -> None:
    backend = theirs.url.removeprefix("http://")
    loop.set(wrapped_backends=backend, wrapped_rate=1e6, queue_head=4, retrain_every=1000)


def answer(backend: FakeBackend, label: str, version: str = "INITIAL") -> None:
    backend.version = version
    backend.answers["/predict"] = lambda body: {
        "results": [said(task, label, version) for task in body["tasks"]]
    }


def wrap(loop: Loop, project: FakeProject, backend: FakeBackend) -> None:
    for connection in project.connections.values():
        connection["extra_params"] = {"wraps": backend.url}
    retrain(loop, project)


def retrain(loop: Loop, project: FakeProject) -> dict[str, Any]:
    loop.state(project).want_version()
    return loop.retrain(project)


def shown(project: FakeProject) -> dict[int, list[Any]]:
    current = project.settings["model_version"]
    return {each["task"]: each["result"] for each in project.predictions if each["model_version"] == current}


def test_a_project_with_labels_is_ordered_before_there_is_a_verdict(loop: Loop, theirs: FakeBackend) -> None:
    project = loop.create(60, labeled=30)
    loop.retrain(project)
    wrap(loop, project, theirs)
    pull_wrapped(project.id)
    assert retrain(loop, project)["verdicts"] == {"judged": 0}


def test_an_adapted_model_of_before_is_left_alone(
    loop: Loop, theirs: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch)
    loop.set(encoder="adaptable", fine_tune="last")
    project = loop.create(120, labeled=60)
    loop.retrain(project)
    fine_tune(project.id)
    assert "adapted" in retrain(loop, project)
    wrap(loop, project, theirs)
    pull_wrapped(project.id)
    assert "adapted" not in retrain(loop, project)


def test_another_backend_is_asked_though_its_version_has_the_same_name(
    loop: Loop, theirs: FakeBackend
) -> None:
    with served() as another:
        loop.set(wrapped_backends=",".join(each.url.removeprefix("http://") for each in (theirs, another)))
        answer(another, "disaster")
        project = loop.create(20)
        wrap(loop, project, theirs)
        pull_wrapped(project.id)
        wrap(loop, project, another)
        pull_wrapped(project.id)
        retrain(loop, project)
        assert {each[0]["value"]["choices"][0] for each in shown(project).values()} == {"disaster"}


def test_a_pinned_version_is_topped_up_with_the_wrapped_backends_answers(
    loop: Loop, theirs: FakeBackend
) -> None:
    project = loop.create(40)
    wrap(loop, project, theirs)
    pull_wrapped(project.id)
    retrain(loop, project)
    before = loop.queue(project)
    for task in before:
        loop.label(project, task)
    pinning.pin(loop.settings, loop.client, project.id)
    new = {task: result for task, result in shown(project).items() if task not in before}
    assert new
    assert all(new.values())


def test_predictions_as_files_are_the_wrapped_backends(loop: Loop, theirs: FakeBackend) -> None:
    project = loop.create(20, labeled=4)
    wrap(loop, project, theirs)
    pull_wrapped(project.id)
    retrain(loop, project)
    rows = list(collect(loop.settings, loop.client, project.id).rows)
    guesses = [each.guesses["label"] for each in rows if each.guesses]
    assert len(guesses) == 16
    assert {(each.choices[0], each.confidence) for each in guesses} == {("other", 0.4)}


def test_what_was_annotated_before_it_was_wrapped_is_not_told(loop: Loop, theirs: FakeBackend) -> None:
    """Though the connection is older."""
    project = loop.create(20)
    for connection in project.connections.values():
        connection["created_at"] = "2020-01-01T00:00:00Z"
    loop.retrain(project)
    for task in loop.queue(project)[:4]:
        loop.label(project, task)
    access = WrappedAccess(theirs.url, since=datetime.now(timezone.utc).isoformat())
    keep_access(project_files(loop.settings, project.id), access)
    wrap(loop, project, theirs)
    assert forward(project.id)["told"] == 0


@pytest.mark.parametrize("broken", ["not allowed", "torn"])
def test_what_is_wrong_with_its_address_stops_no_retrain(
    loop: Loop, theirs: FakeBackend, broken: str
) -> None:
    project = loop.create(20, labeled=4)
    wrap(loop, project, theirs)
    if broken == "torn":
        project_files(loop.settings, project.id).write(FILE, b"{")
    else:
        loop.set(wrapped_backends="")
    WrappedState(loop.redis, project.id).asks_anew()
    assert retrain(loop, project)["published"]
    assert forward(project.id)["wait"] is None
    assert pull_wrapped(project.id)["wait"] is None


def test_a_task_that_it_hangs_on_holds_up_no_other(loop: Loop, theirs: FakeBackend) -> None:
    loop.set(wrapped_timeout=0.3)
    project = loop.create(20)
    wrap(loop, project, theirs)
    kept = WrappedPredictions(project_files(loop.settings, project.id))
    hangs = kept.lacking(sorted(project.tasks))[0]

    def slow(body: Any) -> Any:
        if hangs in [task["id"] for task in body["tasks"]]:
            time.sleep(1)
        return {"results": [said(task) for task in body["tasks"]]}

    theirs.answers["/predict"] = slow
    state = WrappedState(loop.redis, project.id)
    for _ in range(4):
        pull_wrapped(project.id)
        state.works()  # so that it is not left alone meanwhile
    assert WrappedPredictions(project_files(loop.settings, project.id)).lacking(sorted(project.tasks)) == [
        hangs
    ]
