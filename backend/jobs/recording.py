"""Keep with each label why its task was handed out, as soon as a pull has brought it.

The version that an annotator had before them counts, not the one that orders the queue when they are done:
that of the prediction they began with, where Label Studio tells, else the one that was published when they
opened the task. Its clock and ours may differ by some seconds, and so may a version's publication and its
first task: where that version did not have the task in its head, those published just before or after count.

A task that was drawn for an audit counts as one only if it was its turn: if most of what stood before it has
been served. One that somebody picks out of the Data Manager was not drawn for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from backend.store.files import Files
from backend.store.label_record import LabelledFor, LabelRecord
from backend.store.model_version import version_number
from backend.store.reason import AUDIT, UNKNOWN, UNSERVED, Reason
from backend.store.served import ServedHeads
from backend.store.tasks import Given, StoredTask
from backend.store.versions import VersionStore

CLOCKS = 5.0
"""Seconds by which Label Studio's clock may be behind or ahead of ours."""
HELD = 5
"""Tasks that other annotators may hold while one comes to the next."""


def record_labels(files: Files, versions: VersionStore, tasks: Iterable[StoredTask]) -> int:
    """Write down what is not yet; returns how many rows that were. Raises ModelStoreError."""
    record = LabelRecord(files)
    new = _new(files, versions, tasks, record.annotations())
    if new:
        record.add(new)
    return len(new)


def reasons_of_labels(
    files: Files, versions: VersionStore, tasks: Sequence[StoredTask]
) -> dict[int, LabelledFor]:
    """By task, of all that have an answer, also of those that no retrain has seen yet; nothing is written."""
    known = LabelRecord(files).read()
    annotations = {task: row.annotation for task, row in known.items()}
    found = {**known, **{row.task: row for row in _new(files, versions, tasks, annotations)}}
    return {task.id: found[task.id] for task in tasks if task.given is not None}


def _new(
    files: Files, versions: VersionStore, tasks: Iterable[StoredTask], known: dict[int, int]
) -> list[LabelledFor]:
    tasks = list(tasks)
    untouched = {task.id for task in tasks if task.waits and not task.touched and task.given is None}
    made = _Reasons(ServedHeads(files), versions, untouched)
    return [
        LabelledFor(task.id, task.given.annotation, made.of(task.id, task.given))
        for task in tasks
        if task.given is not None and known.get(task.id) != task.given.annotation
    ]


class _Reasons:
    """Of labels, each head read once. untouched: tasks that nobody has labelled or skipped."""

    def __init__(self, heads: ServedHeads, versions: VersionStore, untouched: AbstractSet[int]):
        self._heads = heads
        self._untouched = untouched
        self._history = versions.history()
        self._is_any_published = versions.chosen() is not None
        self._read: dict[str, dict[int, Reason] | None] = {}

    def of(self, task: int, given: Given) -> Reason:
        names = self._before_them(given)
        for name in names:
            reason = (self._head(name) or {}).get(task)
            if reason is not None:
                return reason if self._was_its_turn(reason, name) else Reason(UNSERVED)
        is_known = self._head(names[0]) is not None if names else self._was_no_queue(given)
        return Reason(UNSERVED if is_known else UNKNOWN)

    def _was_its_turn(self, reason: Reason, name: str) -> bool:
        """Of all but audits it is taken for granted."""
        if reason.how != AUDIT or reason.place is None:
            return True
        places = {task: each.place for task, each in (self._head(name) or {}).items()}
        earlier = [task for task, place in places.items() if place is not None and place < reason.place]
        left = sum(task in self._untouched for task in earlier)
        return left <= max(HELD, len(earlier) // 2)

    def _before_them(self, given: Given) -> list[str]:
        """The versions that may have been before the annotator, the likeliest first."""
        begun = given.version if version_number(given.version or "") else None
        moments = [] if given.at is None else [given.at, given.at - CLOCKS, given.at + CLOCKS]
        names = [begun, *map(self._published_at, moments)]
        return list(dict.fromkeys(name for name in names if name is not None))

    def _published_at(self, moment: float) -> str | None:
        before = [name for at, name in self._history if at <= moment]
        return before[-1] if before else None

    def _was_no_queue(self, given: Given) -> bool:
        if not self._history:
            return not self._is_any_published
        return version_number(self._history[0][1]) == 1 and given.at is not None

    def _head(self, name: str) -> dict[int, Reason] | None:
        if name not in self._read:
            self._read[name] = self._heads.read(name)
        return self._read[name]
