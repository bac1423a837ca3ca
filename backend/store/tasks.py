"""The local copy of a project's tasks: text, target, and whether it still waits for a label."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple

from backend.controls.votes import Vote
from backend.errors import DamagedFile

LOCK_SECONDS = 60
"""How long to wait for another job that is writing."""
NOTHING: Mapping[str, Any] = MappingProxyType({})
LAYOUT = 10
"""Number of the tables' layout. A file of another one is emptied: the next pull fills it again."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
    id INTEGER PRIMARY KEY, text TEXT NOT NULL, is_labeled INTEGER NOT NULL, touched INTEGER NOT NULL,
    target TEXT, others TEXT NOT NULL, votes TEXT NOT NULL, offered TEXT NOT NULL, unknown TEXT NOT NULL,
    given TEXT, problem TEXT, fields TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def fingerprint(tasks: Iterable[StoredTask]) -> str:
    """The same for the same tasks, texts and targets: what a model was made of, and what could not be read.
    A skip changes nothing."""
    return _digest((task.id, task.text, task.target, _others(task), tuple(task.unknown)) for task in tasks)


def former_fingerprint(tasks: Iterable[StoredTask]) -> str:
    """As versions of the release before have it: there a skip changed it."""
    return _digest((task.id, task.text, task.is_labeled, task.target, _others(task)) for task in tasks)


def _others(task: StoredTask) -> list[tuple[str, str]]:
    return sorted(task.others.items()) if task.others else []


def _digest(seen: Iterable[tuple[Any, ...]]) -> str:
    digest = blake2b(digest_size=8)
    for each in seen:
        digest.update(repr(each).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


class Given(NamedTuple):
    """How a task came to its first answer. annotation: its number, of the first that was not a skip.

    version: of the prediction that the annotator began with, None where that is not known; at: when the task
    was opened, in seconds since 1970, None likewise.
    """

    annotation: int
    version: str | None = None
    at: float | None = None


class StoredTask(NamedTuple):
    """`target` is the class annotators gave it.

    A task may be finished (`is_labeled`) without a target: skipped, or its annotators disagree.
    touched: somebody has annotated or skipped it, so that Label Studio may not serve it to everybody.
    votes: by control; others: the classes of the label config's other controls, by control.
    offered: by control with dynamic choices, those that may be given; unknown: see `unknown_answers`.
    given: None where nobody has answered, or only skipped.
    problem: why some of it cannot be read and counts as empty; None where all can.
    fields: by name, of those that were asked for, the values of the task's data, see `backend.fields`.
    """

    id: int
    text: str
    is_labeled: bool
    votes: Mapping[str, Sequence[Vote]] = NOTHING
    target: str | None = None
    others: Mapping[str, str] = NOTHING
    touched: bool = False
    offered: Mapping[str, Sequence[str]] = NOTHING
    unknown: Sequence[str] = ()
    given: Given | None = None
    problem: str | None = None
    fields: Mapping[str, str] = NOTHING

    @property
    def waits(self) -> bool:
        """Whether it is in the queue: neither finished nor known."""
        return not self.is_labeled and self.target is None


class TaskStore:
    """An SQLite file. Use as a context manager; changes are kept by `commit`, or not at all.

    Raises DamagedFile, when it is opened or left, where the file is not what it should be.
    """

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._db = sqlite3.connect(path, timeout=LOCK_SECONDS)
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._db.close()
            self._raise_if_damaged(error)
            raise

    @staticmethod
    def forget(path: Path) -> None:
        """Delete the file and what SQLite keeps beside it."""
        for ending in ("", "-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")  # readers do not wait for whoever writes
        if self._db.execute("PRAGMA user_version").fetchone()[0] != LAYOUT:
            self._db.executescript(f"DROP TABLE IF EXISTS tasks; DROP TABLE IF EXISTS meta; {_SCHEMA}")
            self._db.execute(f"PRAGMA user_version = {LAYOUT}")

    def __enter__(self) -> TaskStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        self._raise_if_damaged(error)

    def _raise_if_damaged(self, error: BaseException | None) -> None:
        """Not for what another attempt, or more room on the disk, may mend."""
        # SQLite's own word for a damaged file is the base class; text that is no text has none of its own.
        is_damage = type(error) is sqlite3.DatabaseError or "decode to UTF-8" in str(error)
        if isinstance(error, sqlite3.DatabaseError) and is_damage:
            raise DamagedFile(f"the local copy of the tasks, {self._path}, is damaged: {error}") from error

    def commit(self) -> None:
        self._db.commit()

    def upsert(self, tasks: Iterable[StoredTask]) -> None:
        """Store tasks with their votes; `settle` turns the votes into targets."""
        self._db.executemany(
            "INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?, NULL, '{}', ?, ?, ?, ?, ?, ?)",
            (
                (
                    *(task.id, task.text, task.is_labeled, task.touched),
                    *(json.dumps(dict(task.votes)), json.dumps(dict(task.offered)), json.dumps(task.unknown)),
                    None if task.given is None else json.dumps(task.given),
                    None if task.problem is None else task.problem.encode("utf-8", "replace").decode(),
                    json.dumps(dict(task.fields)),
                )
                for task in tasks
            ),
        )

    def votes(self) -> dict[str, dict[int, list[Vote]]]:
        """The votes on every task that has any: by control, then by task."""
        found: dict[str, dict[int, list[Vote]]] = {}
        for task_id, votes in self._db.execute("SELECT id, votes FROM tasks WHERE votes != '{}'"):
            for control, cast in _json(votes).items():
                found.setdefault(control, {})[task_id] = [Vote(*vote) for vote in cast]
        return found

    def settle(self, targets: Mapping[int, str | None], others: Mapping[int, Mapping[str, str]]) -> None:
        """Store what became of the votes: on the control that is learned, and on the others, by task."""
        self._db.executemany(
            "UPDATE tasks SET target = ? WHERE id = ?",
            ((target, task_id) for task_id, target in targets.items()),
        )
        self._db.executemany(
            "UPDATE tasks SET others = ? WHERE id = ?",
            ((json.dumps(labels), task_id) for task_id, labels in others.items()),
        )

    def delete(self, ids: Iterable[int]) -> None:
        self._db.executemany("DELETE FROM tasks WHERE id = ?", ((task_id,) for task_id in ids))

    def ids(self) -> set[int]:
        return {row[0] for row in self._db.execute("SELECT id FROM tasks")}

    def texts(self, ids: Sequence[int]) -> dict[int, str]:
        """Of those of these tasks that are here."""
        marks = ",".join("?" * len(ids))
        return dict(
            self._db.execute(f"SELECT id, text FROM tasks WHERE id IN ({marks})", tuple(ids)).fetchall()
        )

    def count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM tasks").fetchone()[0])

    def problems(self) -> dict[int, str]:
        """By task, by id, why some of it cannot be read."""
        found = self._db.execute("SELECT id, problem FROM tasks WHERE problem IS NOT NULL ORDER BY id")
        return dict(found.fetchall())

    def tasks(self) -> list[StoredTask]:
        """All tasks, by id, without their votes."""
        return self._tasks("")

    def task(self, task_id: int) -> StoredTask | None:
        """None where there is no such task."""
        return next(iter(self._tasks("WHERE id = ?", task_id)), None)

    def _tasks(self, where: str, *values: int) -> list[StoredTask]:
        columns = "id, text, is_labeled, target, others, touched, offered, unknown, given, problem, fields"
        rows = self._db.execute(f"SELECT {columns} FROM tasks {where} ORDER BY id", values)
        return [
            StoredTask(
                *(task_id, text, bool(done), NOTHING, target),
                others=NOTHING if others == "{}" else _json(others),
                touched=bool(touched),
                offered=NOTHING if offered == "{}" else _json(offered),
                unknown=() if unknown == "[]" else tuple(_json(unknown)),
                given=None if given is None else Given(*_json(given)),
                problem=problem,
                fields=NOTHING if fields == "{}" else _json(fields),
            )
            for task_id, text, done, target, others, touched, offered, unknown, given, problem, fields in rows
        ]

    def get_meta(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


def _json(text: str) -> Any:
    """What was stored as JSON; where it is none any more, the file is damaged."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise sqlite3.DatabaseError(f"no JSON: {error}") from error
