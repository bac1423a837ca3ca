"""Old versions go in pieces that hold nobody up: a deletion keeps Label Studio's database to itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Request

from backend.jobs import clearing
from backend.jobs.housekeeping import clear_old_versions
from backend.jobs.kinds import CLEAR
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject

HEAD = 60


class Clock:
    """In place of this machine's: each deletion takes as long as it is told."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.per_call = 0.0
        self.per_prediction = 0.0
        self.held: list[float] = []
        """How long each call that deletes kept the database to itself."""
        self.after: Callable[[int], None] = lambda calls: None

    def __call__(self) -> float:
        return self.now

    def deletes(self, loop: Loop, project: FakeProject) -> None:
        def before(request: Request) -> None:
            if request.method == "DELETE":
                whole = "model-versions" in request.path
                name = request.get_json()["model_version"] if whole else None
                count = project.version_sizes().get(name, 0) if name else 1
                self.held.append(self.per_call + count * self.per_prediction)
                self.now += self.held[-1]
                self.after(len(self.held))

        loop.fake.before = before  # type: ignore[assignment]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(clearing, "monotonic", clock)
    return clock


def published(loop: Loop, *sizes: int, texts: int = HEAD) -> FakeProject:
    """A project with versions of so many predictions each, the last of which it follows."""
    project = loop.create(texts)
    tasks = list(project.tasks)
    for number, size in enumerate(sizes, 1):
        name = f"atlas-{number:06}"
        items = [
            {"task": task, "result": [choice("other")], "score": 0.5, "model_version": name}
            for task in tasks[:size]
        ]
        assert loop.fake.import_predictions(project.id, items) == size
        loop.fake.change_project(project.id, model_version=name)
    loop.set(clear_after=20)
    return project


def sizes(project: FakeProject) -> list[int]:
    return [count for _, count in sorted(project.version_sizes().items())]


def clear_all(loop: Loop, project: FakeProject) -> int:
    """As the worker does, until nothing is owed; returns how many jobs it took."""
    for jobs in range(1, 100):
        clear_old_versions(project.id)
        if not loop.state(project).owes(CLEAR):
            return jobs
    raise AssertionError("clearing never ends")


def test_versions_older_than_the_one_before_go(loop: Loop, clock: Clock) -> None:
    project = published(loop, 10, 10, 10, 10)
    clock.deletes(loop, project)
    assert clear_old_versions(project.id) == 20
    assert list(project.version_sizes()) == ["atlas-000004", "atlas-000003"]
    assert not loop.state(project).owes(CLEAR)


def test_predictions_of_others_and_the_current_version_stay(loop: Loop, clock: Clock) -> None:
    project = published(loop, 10, 10, 10)
    others = [{"task": task, "result": [], "score": 0.5, "model_version": "theirs"} for task in project.tasks]
    loop.fake.import_predictions(project.id, others)
    clock.deletes(loop, project)
    clear_all(loop, project)
    assert project.version_sizes() == {"atlas-000002": 10, "atlas-000003": 10, "theirs": HEAD}


@pytest.mark.parametrize("per_prediction", [0.0001, 0.006, 0.05, 0.4])
def test_no_deletion_holds_the_database_for_a_second(loop: Loop, clock: Clock, per_prediction: float) -> None:
    """How long one takes is known from the first, which goes alone."""
    clock.per_call, clock.per_prediction = 0.02, per_prediction
    project = published(loop, 60, 60, 60, 60)
    clock.deletes(loop, project)
    clear_all(loop, project)
    assert sizes(project) == [60, 60]
    assert max(clock.held) <= 1


def test_quick_deletions_go_in_one_call(loop: Loop, clock: Clock) -> None:
    clock.per_call, clock.per_prediction = 0.001, 0.0001
    project = published(loop, *[60] * 6)
    clock.deletes(loop, project)
    clear_all(loop, project)
    assert sizes(project) == [60, 60]
    assert len(clock.held) < 10  # one by one there would be 240


def test_nothing_is_cleared_where_one_deletion_takes_over_a_second(
    loop: Loop, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    clock.per_call = 1.5
    project = published(loop, 60, 60, 60, 60)
    clock.deletes(loop, project)
    with caplog.at_level(logging.WARNING):
        clear_all(loop, project)
    assert len(clock.held) == 2
    assert "1.5 s" in caplog.text
    clear_all(loop, project)  # the next retrain asks for it again
    assert len(clock.held) == 2
    assert sizes(project) == [58, 60, 60, 60]


def test_one_slow_moment_puts_it_off_and_no_more(loop: Loop, clock: Clock) -> None:
    clock.per_call = 1.5
    project = published(loop, 20, 20, 20)
    clock.deletes(loop, project)
    clear_old_versions(project.id)
    assert len(clock.held) == 1
    clock.per_call = 0.01
    clear_all(loop, project)
    assert sizes(project) == [20, 20]


def test_it_stops_at_the_first_sign_of_anybody_in_any_project(loop: Loop, clock: Clock) -> None:
    clock.per_call = 0.3
    project, other = published(loop, 60, 60, 60), loop.create(3)
    clock.deletes(loop, project)
    clock.after = lambda calls: calls == 3 and loop.state(other).note_changes(1)  # type: ignore[func-returns-value,assignment]
    clear_old_versions(project.id)
    assert 3 <= len(clock.held) <= 4
    assert loop.state(project).owes(CLEAR)  # the rest after another quiet while
    clear_old_versions(project.id)
    assert len(clock.held) <= 4


def test_nothing_is_begun_while_somebody_labels_in_another_project(loop: Loop, clock: Clock) -> None:
    project, other = published(loop, 5, 5, 5), loop.create(3)
    loop.label(other, next(iter(other.tasks)))
    clock.deletes(loop, project)
    assert clear_old_versions(project.id) == 0
    assert loop.state(project).owes(CLEAR)


def test_one_job_takes_a_few_seconds_and_leaves_the_rest_to_the_next(loop: Loop, clock: Clock) -> None:
    """Refills wait for the same worker."""
    clock.per_call = 0.4
    project = published(loop, 60, 60, 60)
    clock.deletes(loop, project)
    began = clock.now
    clear_old_versions(project.id)
    assert clock.now - began < 15
    assert loop.state(project).owes(CLEAR)
    clear_all(loop, project)
    assert sizes(project) == [60, 60]


def test_a_project_that_is_gone_needs_no_clearing(loop: Loop) -> None:
    assert clear_old_versions(999) == 0


@pytest.mark.parametrize("value", [b"\xff", b"abc", b"-1", b"nan"])
def test_wrong_values_in_redis_do_no_harm(loop: Loop, clock: Clock, value: Any) -> None:
    clock.per_call, clock.per_prediction = 0.02, 0.05
    project = published(loop, 60, 60, 60)
    clock.deletes(loop, project)
    clear_old_versions(project.id)
    for key in loop.redis.keys("atlas:clearing:*"):
        loop.redis.set(key, value)
    clear_all(loop, project)
    assert max(clock.held) <= 1
