"""Reading a project's tasks while others need the local copy. Label Studio is a fake that can be stopped
in the middle of an answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.jobs import pull as pulling
from backend.jobs.pull import FILE, pull, stored
from backend.labelstudio.client import Project
from backend.labelstudio.scheme import LabelScheme
from backend.store import tasks as store
from backend.store.tasks import TaskStore

SCHEME = LabelScheme("label", "text", "text", ("a", "b"))


def project(count: int, **changes: Any) -> Project:
    known = {"label_config": "", "model_version": None, "shows_predictions": True, "counters": {}}
    overlap = {"overlap": (1, 100), "serves_overlap_first": False}
    return Project(**{"id": 1, "task_count": count, **known, **overlap, **changes})


class FakeLabelStudio:
    """Tasks by id, the annotated ones with a class. `between` is called after each task of a long list."""

    def __init__(self, labels: dict[int, str | None], between: Callable[[], None] = lambda: None):
        self.labels = labels
        self.between = between
        self.reads: list[str] = []

    def newest_change(self, _: int) -> str:
        return "2026-01-01T00:00:00.000000Z"

    def task_ids(self, _: int) -> set[int]:
        self.reads.append("ids")
        return set(self.labels)

    def all_tasks(self, _: int) -> Iterator[dict[str, Any]]:
        self.reads.append("all")
        for task in self.labels:
            yield self._task(task, annotations=False)
            self.between()

    def annotated_tasks(self, _: int) -> Iterator[dict[str, Any]]:
        return (self._task(task) for task, label in self.labels.items() if label is not None)

    def tasks_changed_since(self, _: int, when: str) -> Iterator[dict[str, Any]]:
        self.reads.append("changes")
        return iter(())

    def _task(self, task: int, annotations: bool = True) -> dict[str, Any]:
        label = self.labels[task]
        region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}
        given = [{"id": task, "completed_by": 1, "result": [region]}] if label and annotations else []
        return {
            "id": task,
            "data": {"text": f"text {task}"},
            "updated_at": self.newest_change(1),
            "is_labeled": label is not None,
            "total_annotations": int(label is not None),
            "annotations": given,
        }


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "PAGE_SIZE", 2)


def test_all_is_read_at_first_and_changes_later(tmp_path: Path) -> None:
    server = FakeLabelStudio({1: "a", 2: None, 3: "b", 4: None, 5: None})
    tasks = pull(server, project(5), SCHEME, tmp_path)  # type: ignore[arg-type]
    assert [task.target for task in tasks] == ["a", None, "b", None, None]
    assert [task.touched for task in tasks] == [True, False, True, False, False]
    assert [task.waits for task in tasks] == [False, True, False, True, True]
    assert pull(server, project(5), SCHEME, tmp_path) == tasks == stored(tmp_path)  # type: ignore[arg-type]
    assert server.reads == ["all", "changes"]


@pytest.mark.parametrize(
    "changed", [{"overlap": (2, 100)}, {"scheme": LabelScheme("label", "text", "t", ("a",))}]
)
def test_all_is_read_anew_where_the_old_copy_may_not_hold(tmp_path: Path, changed: dict[str, Any]) -> None:
    server = FakeLabelStudio({1: "a", 2: None, 3: "b"})
    pull(server, project(3), SCHEME, tmp_path)  # type: ignore[arg-type]
    del server.labels[2]
    scheme = changed.pop("scheme", SCHEME)
    tasks = pull(server, project(2, **changed), scheme, tmp_path)  # type: ignore[arg-type]
    assert server.reads == ["all", "all"]
    assert [task.id for task in tasks] == [1, 3]


def test_others_read_and_write_while_a_first_pull_takes_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LOCK_SECONDS", 0)
    seen = []

    def write() -> None:
        with TaskStore(tmp_path / FILE) as other:
            seen.append(other.count())
            other.set_meta("field", "text")  # sqlite3.OperationalError while somebody else writes
            other.commit()

    pull(FakeLabelStudio(dict.fromkeys(range(6)), write), project(6), SCHEME, tmp_path)  # type: ignore[arg-type]
    assert seen == [0, 2, 2, 4, 4, 6]


def test_a_first_pull_that_breaks_off_is_begun_again(tmp_path: Path) -> None:
    def fail() -> None:
        raise sqlite3.OperationalError("disk full")

    with pytest.raises(sqlite3.OperationalError):
        pull(FakeLabelStudio({1: "a", 2: None}, fail), project(2), SCHEME, tmp_path)  # type: ignore[arg-type]
    server = FakeLabelStudio({1: "a", 2: None})
    assert [task.target for task in pull(server, project(2), SCHEME, tmp_path)] == ["a", None]  # type: ignore[arg-type]
    assert server.reads == ["all"]
