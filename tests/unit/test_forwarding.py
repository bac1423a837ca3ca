"""A wrapped backend is told of each annotation once and in order, by a job, and trained now and then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backend.jobs import forwarding
from backend.jobs.forwarding import forward
from backend.jobs.wrapped_job import GIVEN_BACK
from backend.jobs.wrapped_state import WrappedState
from backend.store.forwarded import Forwarded
from backend.store.locations import project_files
from backend.web.app import create_app
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.wrapped import FakeBackend, served


@pytest.fixture
def theirs() -> Iterator[FakeBackend]:
    with served() as backend:
        yield backend


@pytest.fixture
def project(loop: Loop, theirs: FakeBackend) -> FakeProject:
    """Two tasks were annotated before the backend was wrapped."""
    loop.set(wrapped_backends=theirs.url.removeprefix("http://"), retrain_every=4)
    project = loop.create(20, labeled=2)
    for connection in project.connections.values():
        connection["extra_params"] = {"wraps": theirs.url}
    loop.state(project).wraps = theirs.url
    forward(project.id)
    assert told(theirs) == []
    return project


def told(theirs: FakeBackend) -> list[tuple[str, int]]:
    """Action and annotation, 0 for a training, as it was told."""
    found = []
    for body in theirs.bodies("/webhook"):
        given = [body["annotation"]] if "annotation" in body else body.get("annotations", [{"id": 0}])
        found += [
            (body["action"].removeprefix("ANNOTATION_").removeprefix("ANNOTATIONS_"), each["id"])
            for each in given
        ]
    return found


def annotate(loop: Loop, project: FakeProject, place: int) -> int:
    return int(loop.label(project, list(project.tasks)[place])["annotation"]["id"])


def test_each_event_is_told_once_and_in_order(loop: Loop, theirs: FakeBackend, project: FakeProject) -> None:
    one, two = (annotate(loop, project, place) for place in (7, 3))
    assert forward(project.id)["told"] == 2
    assert told(theirs) == [("CREATED", one), ("CREATED", two)]
    assert forward(project.id)["told"] == 0
    loop.fake.change_annotation(project.id, one, result=[choice("other")])
    loop.fake.delete_annotation(project.id, two)
    forward(project.id)
    assert told(theirs)[2:4] == [("UPDATED", one), ("DELETED", two)]


def test_what_it_is_told_is_read_anew_and_looks_as_label_studio_sends_it(
    loop: Loop, theirs: FakeBackend, project: FakeProject
) -> None:
    number = annotate(loop, project, 5)
    forward(project.id)
    (body,) = theirs.bodies("/webhook")
    assert body["annotation"] == project.annotations.get(number)
    assert body["task"]["data"] == project.tasks[body["annotation"]["task"]]["data"]
    assert body["project"]["id"] == project.id
    assert body["project"]["label_config"] == project.settings["label_config"]


def test_it_is_trained_every_so_many_labels_and_when_asked(
    loop: Loop, theirs: FakeBackend, project: FakeProject
) -> None:
    for place in range(4, 8):
        annotate(loop, project, place)
    assert forward(project.id)["trained"]
    assert told(theirs)[-1] == ("START_TRAINING", 0)
    annotate(loop, project, 9)
    assert not forward(project.id)["trained"]
    body = {"action": "START_TRAINING", "project": {"id": project.id}}
    assert create_app().test_client().post("/webhook", json=body).status_code == 201
    assert f"forward-{project.id}" in loop.jobs()
    assert forward(project.id)["trained"]
    assert [each for each, _ in told(theirs)].count("START_TRAINING") == 2
    assert f"wrapped-{project.id}" in loop.jobs()  # it may be another version


def test_while_it_trains_it_is_not_asked_again(
    loop: Loop, theirs: FakeBackend, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "TRAIN_SECONDS", 0.2)
    theirs.answers["/webhook"] = slowly(theirs)
    for place in range(4, 8):
        annotate(loop, project, place)
    assert forward(project.id)["trained"]
    for place in range(8, 12):
        annotate(loop, project, place)
    done = forward(project.id)
    assert (done["told"], done["trained"]) == (4, False)
    assert 0 < done["wait"] <= forwarding.BUSY_SECONDS
    WrappedState(loop.redis, project.id).set_up("theirs-1", "x", 1.0)
    WrappedState(loop.redis, project.id).set_up("theirs-2", "x", 2.0)  # it has ended
    assert forward(project.id)["trained"]


def slowly(theirs: FakeBackend) -> Any:
    def answer(body: Any) -> Any:
        if body["action"] == "START_TRAINING":
            theirs._released.wait(2)
        return {}

    return answer


def test_one_that_learns_and_keeps_its_versions_name_is_asked_anew(
    loop: Loop, theirs: FakeBackend, project: FakeProject
) -> None:
    sure = iter(range(1, 1000))
    theirs.answers["/predict"] = lambda body: {"results": [theirs.said(task, 0.5) for task in body["tasks"]]}
    loop.retrain(project)
    state = WrappedState(loop.redis, project.id)
    annotate(loop, project, 4)
    forward(project.id)
    assert state.since == 0
    lots = lambda body: {"results": [theirs.said(task, 1 / next(sure)) for task in body["tasks"]]}  # noqa: E731
    theirs.answers["/predict"] = lots
    annotate(loop, project, 5)
    forward(project.id)
    assert state.since == 0  # it draws lots
    theirs.answers["/predict"] = lambda body: {"results": [theirs.said(task, 0.7) for task in body["tasks"]]}
    annotate(loop, project, 6)
    forward(project.id)
    assert state.since > 0


def test_one_that_is_away_is_told_later_and_nothing_is_lost(
    loop: Loop, theirs: FakeBackend, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [annotate(loop, project, place) for place in (4, 5)]
    monkeypatch.setenv("WRAPPED_BACKENDS", "127.0.0.1:9")
    loop.state(project).wraps = "http://127.0.0.1:9"
    done = forward(project.id)
    assert done["wait"] > 0
    assert done["failure"] == "away"
    loop.set(wrapped_backends=theirs.url.removeprefix("http://"))
    loop.state(project).wraps = theirs.url
    WrappedState(loop.redis, project.id)._set("rests_until", None)
    forward(project.id)
    assert [number for _, number in told(theirs)] == numbers


def test_one_that_answers_garbage_is_told_once(loop: Loop, theirs: FakeBackend, project: FakeProject) -> None:
    number = annotate(loop, project, 4)
    theirs.answers["/webhook"] = lambda body: (500, b"<html>")
    forward(project.id)
    forward(project.id)
    assert told(theirs) == [("CREATED", number)]


def test_a_restart_repeats_at_most_one_event(
    loop: Loop, theirs: FakeBackend, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [annotate(loop, project, place) for place in (4, 5, 6)]
    keep, kept = Forwarded.add, []

    def killed(self: Forwarded, rows: Any) -> None:
        if len(kept) == 1:
            kept.append(rows)
            raise KeyboardInterrupt
        kept.append(rows)
        keep(self, rows)

    monkeypatch.setattr(Forwarded, "add", killed)
    with pytest.raises(KeyboardInterrupt):
        forward(project.id)
    forward(project.id)
    assert [number for _, number in told(theirs)] == [*numbers[:2], *numbers[1:]]


def test_a_record_that_cannot_be_read_in_part_keeps_the_rest(loop: Loop, project: FakeProject) -> None:
    files = project_files(loop.settings, project.id)
    files.write("forwarded/000002-0001.json", b"{")
    assert len(Forwarded(files).read().live) == 2


@pytest.mark.parametrize("left", ["disconnected", "wraps another"])
def test_who_leaves_while_it_is_told_tells_it_nothing_more(
    loop: Loop, theirs: FakeBackend, project: FakeProject, left: str
) -> None:
    loop.retrain(project)
    asked = len(theirs.bodies("/predict"))
    first, *_ = (annotate(loop, project, place) for place in range(4, 9))
    job = f"rq:job:forward-{project.id}"

    def leave(body: Any) -> Any:
        state = loop.state(project)
        if left == "disconnected":
            state.disconnected = True
        else:
            state.wraps = None
        loop.redis.hset(job, "status", "started")
        assert loop.dispatcher.withdraw(project.id)  # so `disconnect` waits for the one that is on its way
        return {}

    theirs.answers["/webhook"] = leave
    assert forward(project.id) == {"told": 1, "reason": GIVEN_BACK, "wait": None}
    assert told(theirs) == [("CREATED", first)]
    assert len(theirs.bodies("/predict")) == asked
    loop.redis.hset(job, "status", "finished")
    assert not loop.dispatcher.withdraw(project.id)
