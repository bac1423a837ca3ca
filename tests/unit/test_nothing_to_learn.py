"""A retrain that annotations asked for, where nothing that is learned has changed, makes no version."""

from __future__ import annotations

from typing import Any

import pytest

from backend.jobs.dispatch import Dispatcher
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    loop.set(queue_head=10)
    project = loop.create(40, labeled=6)
    loop.retrain(project)
    return project


def skip(loop: Loop, project: FakeProject, count: int) -> list[int]:
    """The first tasks of the queue, each told of by a webhook."""
    skipped = loop.queue(project)[:count]
    for task in skipped:
        loop.fake.skip(project.id, task)
        loop.dispatcher.changed(project.id)
    return skipped


@pytest.mark.parametrize("skip_queue", ["REQUEUE_FOR_OTHERS", "IGNORE_SKIPPED"])
def test_skips_make_no_new_version_and_the_queue_is_refilled(
    loop: Loop, project: FakeProject, skip_queue: str
) -> None:
    loop.fake.change_project(project.id, skip_queue=skip_queue)
    before = loop.versions(project).names()
    for _ in range(3):
        skipped = skip(loop, project, 5)
        done = loop.retrain(project)
        assert (done["published"], "changed nothing that is learned" in done["reason"]) == (False, True)
        assert loop.state(project).unseen == 0
        assert f"refill-{project.id}" in loop.jobs()
        loop.refill(project)
        loop.dispatcher.upkeep.empty()
        assert len([task for task in loop.queue(project) if task not in skipped]) >= 10
    assert loop.versions(project).names() == before
    assert project.settings["model_version"] == before[-1]
    loop.dispatcher.queue.empty()
    assert loop.reconcile(project) == "in order"
    assert loop.versions(project).names() == before
    assert f"retrain-{project.id}" not in loop.jobs()


def test_a_skip_taken_back_brings_the_task_back_to_its_place(loop: Loop, project: FakeProject) -> None:
    (best,) = skip(loop, project, 1)
    loop.dispatcher.demand_retrain(project.id)
    loop.retrain(project)
    assert best not in loop.queue(project)
    (annotation,) = project.annotations.of(best)
    loop.fake.delete_annotation(project.id, annotation["id"])
    loop.dispatcher.changed(project.id)
    assert not loop.retrain(project)["published"]
    loop.refill(project)
    assert loop.queue(project)[0] == best


def test_the_next_label_makes_one(loop: Loop, project: FakeProject) -> None:
    skip(loop, project, 5)
    loop.retrain(project)
    loop.label(project, loop.queue(project)[0])
    assert loop.retrain(project)["trained_on"] == 7


def test_a_label_corrected_or_taken_back_makes_one(loop: Loop, project: FakeProject) -> None:
    first, second = list(project.tasks)[:2]
    (annotation,) = project.annotations.of(first)
    right = annotation["result"][0]["value"]["choices"][0]
    wrong = {"disaster": "other", "other": "disaster"}[right]
    result = [{**annotation["result"][0], "value": {"choices": [wrong]}}]
    loop.fake.change_annotation(project.id, annotation["id"], result=result)
    loop.dispatcher.changed(project.id)
    assert loop.retrain(project)["published"]
    loop.fake.delete_annotation(project.id, project.annotations.of(second)[0]["id"])
    loop.dispatcher.changed(project.id)
    assert loop.retrain(project)["trained_on"] == 5


@pytest.mark.parametrize(
    "ask",
    [
        lambda dispatcher, project: dispatcher.insist_on_retrain(project),
        lambda dispatcher, project: dispatcher.demand_retrain(project),
    ],
    ids=["a person", "another job"],
)
def test_what_is_demanded_is_made(loop: Loop, project: FakeProject, ask: Any) -> None:
    skip(loop, project, 5)
    ask(Dispatcher(loop.redis, loop.settings), project.id)
    assert loop.retrain(project)["published"]
    skip(loop, project, 5)
    assert not loop.retrain(project)["published"]  # that was settled


def test_another_strategy_or_setting_makes_one(loop: Loop, project: FakeProject) -> None:
    skip(loop, project, 2)
    loop.set(strategy="margin")
    assert loop.retrain(project)["strategy"] == "margin"
    skip(loop, project, 2)
    loop.set(seed=7)
    assert loop.retrain(project)["published"]
    skip(loop, project, 2)
    (connection,) = project.connections.values()
    connection["extra_params"] = {"strategy": "entropy"}
    loop.retrain(project)
    assert loop.retrain(project)["strategy"] == "entropy"


def test_a_version_that_never_came_to_serve_is_made_anew(loop: Loop, project: FakeProject) -> None:
    versions = loop.versions(project)
    first = versions.names()[-1]
    loop.dispatcher.demand_retrain(project.id)
    loop.retrain(project)
    versions.set_published(first)  # as if the worker had been killed before
    skip(loop, project, 2)
    assert loop.retrain(project)["published"]
