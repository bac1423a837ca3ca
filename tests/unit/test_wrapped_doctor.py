"""doctor says of a wrapped backend which side is at fault and what to do; /metrics how it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import backend.doctor.examine  # noqa: F401  registers the checks, in their order
from backend.doctor import wrapped
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import CHECKS
from backend.doctor.finding import Finding, State
from backend.errors import WrappedFails
from backend.jobs.forwarding import forward
from backend.jobs.state import PROJECTS_KEY
from backend.jobs.wrapped_pull import pull_wrapped
from backend.jobs.wrapped_state import WrappedState
from backend.web import create_app
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.wrapped import FakeBackend, served
from tests.unit.test_wrapped_pull import said, wrapping


@pytest.fixture
def theirs(loop: Loop) -> Iterator[FakeBackend]:
    with served() as backend:
        backend.answers["/predict"] = lambda body: {"results": [said(task) for task in body["tasks"]]}
        loop.set(wrapped_backends=backend.url.removeprefix("http://"), wrapped_rate=1e6, queue_head=4)
        yield backend


@pytest.fixture
def project(loop: Loop, theirs: FakeBackend) -> FakeProject:
    project = wrapping(loop, theirs)
    loop.redis.sadd(PROJECTS_KEY, project.id)
    loop.retrain(project)
    return project


def found(project: FakeProject) -> Finding:
    with Bench() as bench:
        return CHECKS["wrapped backend"].function(ProjectBench(bench, project.id))


def test_one_that_works_is_told_with_its_version_and_how_far_it_was_asked(
    theirs: FakeBackend, project: FakeProject
) -> None:
    pull_wrapped(project.id)
    finding = found(project)
    assert finding.state is State.OK
    assert "version theirs-1; 40 of 40 waiting tasks have its prediction" in finding.found


def test_a_project_that_wraps_none_is_in_order(loop: Loop) -> None:
    assert found(loop.create(3)) == Finding(State.OK, "the project wraps no other ML backend")


@pytest.mark.parametrize(
    ("path", "answer", "told", "remedy"),
    [
        ("/health", (503, b"starting"), "answers 503: starting", "Look into its own log"),
        ("/health", (200, b"<html>"), "JSON was expected", "Is that its address"),
        ("/setup", (401, b""), "wants other credentials", "Run `connect --wraps` again"),
        ("/predict", (500, b"CUDA out of memory"), "CUDA out of memory", "Look into its own log"),
        ("/predict", (200, b"<html>"), "was expected, not <html>", "Is that its address"),
    ],
)
def test_what_is_wrong_with_it_is_told_as_its_fault(
    theirs: FakeBackend, project: FakeProject, path: str, answer: Any, told: str, remedy: str
) -> None:
    theirs.answers[path] = lambda body: answer
    finding = found(project)
    assert finding.state is State.WRONG
    assert "what this project wraps is at fault, not this backend" in finding.found
    assert told in finding.found
    assert finding.remedy.startswith(remedy)
    assert "annotators keep the order" in finding.remedy


def test_one_that_hangs_is_told(
    theirs: FakeBackend, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrapped, "SECONDS", 0.2)
    theirs.hanging.set()
    assert "does not answer within 0.2 s" in found(project).found
    theirs.release()
    assert found(project).state is State.OK


def test_one_that_is_gone_is_told(loop: Loop, theirs: FakeBackend, project: FakeProject) -> None:
    loop.state(project).wraps = "http://127.0.0.1:9"
    loop.set(wrapped_backends="127.0.0.1:9")
    finding = found(project)
    assert "does not answer" in finding.found
    assert finding.remedy.startswith("Start it")


def test_one_that_is_not_allowed_is_ours_to_mend(loop: Loop, project: FakeProject) -> None:
    loop.set(wrapped_backends="other:9090")
    finding = found(project)
    assert finding.state is State.WRONG
    assert finding.remedy.startswith("Set WRAPPED_BACKENDS")


def test_what_the_workers_settings_do_not_allow_is_told_by_a_command_whose_settings_do(
    loop: Loop, theirs: FakeBackend, project: FakeProject
) -> None:
    loop.set(wrapped_backends="other:9090")
    pull_wrapped(project.id)
    loop.set(wrapped_backends=theirs.url.removeprefix("http://"))
    finding = found(project)
    assert finding.state is State.WRONG
    assert "with other settings than this command" in finding.found
    assert "WRAPPED_BACKENDS does not name" in finding.found
    assert "start that anew" in finding.remedy
    pull_wrapped(project.id)
    assert found(project).state is State.OK


def test_a_training_that_fails_in_it_is_told_until_one_does_not(
    loop: Loop, theirs: FakeBackend, project: FakeProject
) -> None:
    def told(body: Any) -> Any:
        return (500, b"<html><title>Oops</title>") if body["action"] == "START_TRAINING" else {}

    theirs.answers["/webhook"] = told
    for place in (0, 1):  # each annotation it takes
        loop.label(project, list(project.tasks)[place])
        loop.dispatcher.request_training(project.id)
        forward(project.id)
        finding = found(project)
        assert finding.state is State.NOTE
        assert "but told of START_TRAINING, " in finding.found
        assert 'answers 500: a web page, "Oops"' in finding.found
        assert "its own log" in finding.remedy
    theirs.answers["/webhook"] = lambda body: {}
    loop.dispatcher.request_training(project.id)
    forward(project.id)
    assert found(project).state is State.OK


def test_answers_that_have_something_wrong_are_told(theirs: FakeBackend, project: FakeProject) -> None:
    theirs.answers["/predict"] = lambda body: {
        "results": [{**said(task), "score": 17} for task in body["tasks"]]
    }
    finding = found(project)
    assert finding.state is State.NOTE
    assert "a score that is no number from 0 to 1" in finding.found


def test_metrics_tell_its_latency_and_its_failures(
    loop: Loop, theirs: FakeBackend, project: FakeProject
) -> None:
    pull_wrapped(project.id)
    shown = create_app(loop.settings).test_client().get("/metrics").get_data(as_text=True)
    label = f'project="{project.id}"'
    asked = len(theirs.bodies("/predict"))
    assert f'atlas_wrapped_requests_total{{outcome="well",{label}}} {asked}.0' in shown
    assert f"atlas_wrapped_seconds_count{{{label}}} {asked}.0" in shown


def test_one_that_failed_may_have_been_started_anew_and_is_told_the_label_config(
    loop: Loop, theirs: FakeBackend
) -> None:
    """label-studio-ml 1.x answers 500 before it is."""
    project = wrapping(loop, theirs)
    pull_wrapped(project.id)
    told, state = len(theirs.bodies("/setup")), WrappedState(loop.redis, project.id)
    pull_wrapped(project.id)
    assert len(theirs.bodies("/setup")) == told
    state.failed(WrappedFails("answers 500"))
    state.works()
    pull_wrapped(project.id)
    assert len(theirs.bodies("/setup")) == told + 1
