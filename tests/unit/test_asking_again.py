"""A task that somebody sent back is served, though Label Studio loses one of two changes at a time: it saves
a whole project where a part of it is changed, and reckons anew which tasks are finished."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Request

from backend.jobs.dispatch import SETTINGS
from backend.jobs.heeding import heed_selection
from backend.jobs.look import look
from backend.jobs.selections import ASK, Selection
from backend.results.asking_again import ask_again
from backend.web.events import react
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject

Undo = Callable[[FakeProject, int], None]


def project_as_before(project: FakeProject, task: int) -> None:
    """Saved by whoever had read it before: as the switch to a new version does."""
    project.settings["show_overlap_first"] = False


def task_finished(project: FakeProject, task: int) -> None:
    """Reckoned with the overlap before: as an import of predictions does."""
    project.tasks[task]["is_labeled"] = True


def task_as_before(project: FakeProject, task: int) -> None:
    task_finished(project, task)
    project.tasks[task]["overlap"] = 1


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    project = loop.create(20, labeled=8)
    loop.fake.connect(project.id)
    loop.retrain(project)
    return project


@pytest.mark.parametrize("undo", [project_as_before, task_finished, task_as_before])
def test_what_is_undone_while_tasks_are_opened_is_done_again(
    loop: Loop, project: FakeProject, undo: Undo
) -> None:
    task, waiting = min(project.tasks), [undo]

    def before(request: Request) -> None:
        is_done = project.settings["show_overlap_first"] and not project.tasks[task]["is_labeled"]
        if is_done and request.method == "GET" and waiting:
            waiting.pop()(project, task)

    loop.fake.before = before
    assert ask_again(loop.settings, loop.client, project.id, [task]) == [task]
    assert not waiting
    assert project.queue(user=2)[0] == task


def looked_at(loop: Loop, project: FakeProject) -> None:
    loop.dispatcher.request_look(project.id, SETTINGS)
    look(project.id)


@pytest.mark.parametrize("see", [looked_at, Loop.reconcile])
@pytest.mark.parametrize("undo", [project_as_before, task_finished])
def test_what_is_undone_later_is_done_again_by_the_next_look(
    loop: Loop, project: FakeProject, undo: Undo, see: Callable[[Loop, FakeProject], object]
) -> None:
    task = min(project.tasks)
    ask_again(loop.settings, loop.client, project.id, [task])
    loop.reconcile(project)
    undo(project, task)
    assert project.queue(user=2)[0] != task
    see(loop, project)
    assert project.queue(user=2)[0] == task


def test_a_webhook_that_tells_of_the_loss_has_it_looked_at(loop: Loop, project: FakeProject) -> None:
    """One with a payload is answered at once, by what is known here; there is no look for nothing."""
    tasks = list(project.tasks)
    told = {"project": {**project.settings, "show_overlap_first": False}}

    def tell() -> bool:
        react(loop.dispatcher, lambda: None, "PROJECT_UPDATED", project.id, told)
        return bool(loop.dispatcher.wanted_looks(project.id))

    assert not tell()
    key = loop.dispatcher.request_heed(project.id, Selection(ASK, tuple(tasks[:1]), "ana"))
    heed_selection(project.id, key)
    project_as_before(project, tasks[0])
    assert tell()
    loop.dispatcher.request_look(project.id, SETTINGS)
    look(project.id)
    assert project.queue(user=2)[0] == tasks[0]
    loop.label(project, tasks[0], user=2)
    looked_at(loop, project)
    assert not tell()


def test_what_is_answered_or_changed_by_a_person_since_is_left_as_it_is(
    loop: Loop, project: FakeProject
) -> None:
    one, two, *_ = project.tasks
    ask_again(loop.settings, loop.client, project.id, [one, two])
    loop.label(project, one, user=2)
    loop.fake.change_task(project.id, two, overlap=1, is_labeled=True)
    project.settings["show_overlap_first"] = False
    looked_at(loop, project)
    assert [project.tasks[task]["is_labeled"] for task in (one, two)] == [True, True]
    assert not project.settings["show_overlap_first"]


def test_a_task_that_was_skipped_waits_still(loop: Loop, project: FakeProject) -> None:
    task = min(project.tasks)
    ask_again(loop.settings, loop.client, project.id, [task])
    loop.fake.annotate(project.id, task, [], user=2, was_cancelled=True)
    project.settings["show_overlap_first"] = False
    looked_at(loop, project)
    assert project.queue(user=3)[0] == task


def test_a_damaged_note_of_what_was_opened_keeps_nothing_else_from_being_done(
    loop: Loop, project: FakeProject, caplog: pytest.LogCaptureFixture
) -> None:
    ask_again(loop.settings, loop.client, project.id, [min(project.tasks)])
    (note,) = loop.settings.data_dir.rglob("opened-again.json")
    note.write_text("{")
    assert loop.reconcile(project) == "in order"
    assert "opened-again.json" in caplog.text
