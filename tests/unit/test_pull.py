"""Reading a project's tasks while others need the local copy, on a fake Label Studio that can be stopped
between two answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Request

from backend.controls.config import parse_label_config
from backend.controls.scheme import LabelScheme
from backend.controls.sources import Text
from backend.jobs import pull as pulling
from backend.jobs.pull import FILE, last_pulled, pull
from backend.labelstudio import task_lists
from backend.store import tasks as store
from backend.store.tasks import StoredTask, TaskStore
from tests.fakes.loop import Loop
from tests.fakes.project import CONFIG, FakeProject
from tests.unit.schemes import scheme, single

SCHEME = parse_label_config(CONFIG)


def read(loop: Loop, project: FakeProject, directory: Path, scheme: LabelScheme = SCHEME) -> list[StoredTask]:
    return pull(loop.client, loop.client.project(project.id), scheme, directory)


def calls_between(loop: Loop, call: Callable[[], object]) -> None:
    """Before each page of tasks that is handed out."""

    def before(request: Request) -> None:
        if request.path == "/api/tasks" and int(request.args["page_size"]) > 1:
            call()

    loop.fake.before = before  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "BATCH", 2)
    monkeypatch.setattr(task_lists, "PAGE_SIZE", 2)
    monkeypatch.setattr(task_lists, "FEW", 2)


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    """Five tasks, of which the first and the third are labelled."""
    project = loop.create(5)
    first, _, third, *_ = project.tasks
    loop.label(project, first)
    loop.label(project, third)
    loop.fake.spread(project.id)
    return project


def test_all_is_read_at_first_and_changes_later(loop: Loop, project: FakeProject, tmp_path: Path) -> None:
    tasks = read(loop, project, tmp_path)
    assert [task.target for task in tasks] == ["disaster", None, "disaster", None, None]
    assert [task.touched for task in tasks] == [True, False, True, False, False]
    assert [task.waits for task in tasks] == [False, True, False, True, True]
    loop.fake.handed_out = 0
    assert read(loop, project, tmp_path) == tasks == last_pulled(tmp_path)
    assert loop.fake.handed_out < len(tasks)


@pytest.mark.parametrize(
    "changed", [{"maximum_annotations": 2}, {"scheme": scheme(single("label", "a", source=Text("t")))}]
)
def test_all_is_read_anew_where_the_old_copy_may_not_hold(
    loop: Loop, project: FakeProject, tmp_path: Path, changed: dict[str, Any]
) -> None:
    read(loop, project, tmp_path)
    first, second, *rest = project.tasks
    loop.fake.delete_task(project.id, second)
    asked = changed.pop("scheme", SCHEME)
    loop.fake.change_project(project.id, **changed)
    loop.fake.handed_out = 0
    assert [task.id for task in read(loop, project, tmp_path, asked)] == [first, *rest]
    assert loop.fake.handed_out >= 4


def test_others_read_and_write_while_a_first_pull_takes_its_time(
    loop: Loop, project: FakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LOCK_SECONDS", 0)
    seen = []

    def write() -> None:
        with TaskStore(tmp_path / FILE) as other:
            seen.append(other.count())
            other.set_meta("field", "text")  # sqlite3.OperationalError while somebody else writes
            other.commit()

    calls_between(loop, write)
    read(loop, project, tmp_path)
    assert seen == sorted(seen)
    assert {0, 2, 4} <= set(seen)  # page by page


def test_a_first_pull_that_breaks_off_is_begun_again(
    loop: Loop, project: FakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(TaskStore, "upsert", _fail)
        with pytest.raises(sqlite3.OperationalError):
            read(loop, project, tmp_path)
    loop.fake.handed_out = 0
    assert [task.id for task in read(loop, project, tmp_path)] == list(project.tasks)
    assert loop.fake.handed_out >= 5


def _fail(*_: object) -> None:
    raise sqlite3.OperationalError("disk full")


def once_while_whole_tasks_are_read(loop: Loop, call: Callable[[], object]) -> None:
    """Between the first and the second page of tasks with their annotations."""
    pages = 0

    def before(request: Request) -> None:
        nonlocal pages
        whole = request.path == "/api/tasks" and request.args.get("fields") == "all"
        pages += whole
        if whole and pages == 2:
            call()

    loop.fake.before = before  # type: ignore[assignment]


def test_an_annotation_deleted_between_two_pages_takes_no_other_along(loop: Loop, tmp_path: Path) -> None:
    project = loop.create(7, labeled=7)
    first, *others = project.tasks
    gone = project.annotations.of(first)[0]["id"]
    once_while_whole_tasks_are_read(loop, lambda: loop.fake.delete_annotation(project.id, gone))
    tasks = read(loop, project, tmp_path)
    assert [task.id for task in tasks if task.target] == [first, *others]
    assert [task.id for task in read(loop, project, tmp_path) if task.target] == others


def test_nor_does_it_where_many_tasks_have_changed(loop: Loop, tmp_path: Path) -> None:
    project = loop.create(7)
    read(loop, project, tmp_path)
    first, *others = project.tasks
    for task in project.tasks:
        loop.label(project, task)
    gone = project.annotations.of(first)[0]["id"]
    pages = 0

    def before(request: Request) -> None:
        nonlocal pages
        asked = request.args.get("query", "")
        pages += request.path == "/api/tasks" and "total_annotations" in asked
        if pages == 2 and project.annotations.get(gone):
            loop.fake.delete_annotation(project.id, gone)

    loop.fake.before = before  # type: ignore[assignment]
    tasks = read(loop, project, tmp_path)
    assert pages >= 2
    assert {task.id for task in tasks if task.target} >= set(others)


def test_what_is_annotated_while_annotations_are_read_is_read_by_itself(loop: Loop, tmp_path: Path) -> None:
    project = loop.create(7, labeled=5)
    late = list(project.tasks)[-1]
    first = next(iter(project.tasks))
    gone = project.annotations.of(first)[0]["id"]

    def before(request: Request) -> None:
        """All annotations have been read; now all tasks are, without them."""
        if request.args.get("include", "").startswith("id,data") and project.annotations.get(gone):
            loop.fake.delete_annotation(project.id, gone)
            loop.label(project, late)

    loop.fake.before = before  # type: ignore[assignment]
    tasks = {task.id: task for task in read(loop, project, tmp_path)}
    assert tasks[late].is_labeled
    assert tasks[late].target == "disaster"
    asked = [each for each in loop.fake.requests if each == "GET /api/tasks"]
    assert len(asked) <= 10  # those that are known already are not read again
