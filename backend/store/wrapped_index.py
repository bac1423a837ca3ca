"""Which row of which part is about a task: found without a look at every part, for annotators wait for it.

All parts' rows lie sorted but for those of the last few parts, which are looked through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from backend.store.wrapped_parts import NO_ROWS, Codes, Floats, Ints, Part

MANY_LATE = 64
"""Parts whose rows are looked through; then all are sorted anew."""


class Rows(NamedTuple):
    """Of several parts, one after the other. tasks: int64 [N]; made: float64 [N], seconds since 1970; part:
    int32 [N], numbers of the parts; row: int32 [N], the places in these. 24 bytes each."""

    tasks: Ints
    made: Floats
    part: Codes
    row: Codes

    @classmethod
    def of(cls, parts: Sequence[Part], first: int = 0) -> Rows:
        """first: the number of the first of the parts."""
        sizes = [len(part.tasks) for part in parts]
        return cls(
            np.concatenate([NO_ROWS.tasks, *(part.tasks for part in parts)]),
            np.concatenate([NO_ROWS.made, *(part.made for part in parts)]),
            np.repeat(np.arange(first, first + len(parts), dtype=np.int32), sizes),
            np.concatenate([NO_ROWS.version, *(np.arange(size, dtype=np.int32) for size in sizes)]),
        )

    def at(self, places: Ints | npt.NDArray[np.bool_]) -> Rows:
        return Rows(self.tasks[places], self.made[places], self.part[places], self.row[places])

    def beside(self, other: Rows) -> Rows:
        return Rows(
            np.concatenate([self.tasks, other.tasks]),
            np.concatenate([self.made, other.made]),
            np.concatenate([self.part, other.part]),
            np.concatenate([self.row, other.row]),
        )

    def sorted(self) -> Rows:
        """By task, of one task by when they were made."""
        return self.at(np.lexsort((self.made, self.tasks)))

    def about(self, tasks: Ints) -> Rows:
        """Those of some tasks, which are rising and each there once. Of sorted rows."""
        start, end = (np.searchsorted(self.tasks, tasks, side=side) for side in ("left", "right"))
        sizes = end - start
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return self.at(np.repeat(start, sizes) + within)

    def newest(self, tasks: Ints, until: float | Floats) -> Rows:
        """Where each of the tasks was last spoken of before its moment. tasks: rising, none twice."""
        if not len(tasks) or not len(self.tasks):
            return self.at(NO_ROWS.tasks)
        place = np.minimum(np.searchsorted(tasks, self.tasks), len(tasks) - 1)
        moment = np.broadcast_to(until, tasks.shape)[place]
        wanted = self.at((tasks[place] == self.tasks) & (self.made < moment)).sorted()
        return wanted.at(last_of_each(wanted.tasks))


@dataclass(frozen=True)
class Index:
    """Of parts, by the name that their files have but for their endings. Replaced, never changed."""

    parts: Mapping[str, Part] = field(default_factory=dict)
    settled: Rows = field(default_factory=lambda: Rows.of([]))
    """Sorted."""
    late: Rows = field(default_factory=lambda: Rows.of([]))

    @classmethod
    def of(cls, parts: Mapping[str, Part]) -> Index:
        return cls(parts, Rows.of(list(parts.values())).sorted())

    def to(self, parts: Mapping[str, Part]) -> Index:
        """The same of these parts."""
        new = {name: part for name, part in parts.items() if name not in self.parts}
        if len(self.parts) + len(new) != len(parts):  # some are gone
            return Index.of(parts)
        if not new:
            return self
        late = self.late.beside(Rows.of(list(new.values()), len(self.parts)))
        if len(np.unique(late.part)) > MANY_LATE:
            return Index.of({**self.parts, **new})
        return Index({**self.parts, **new}, self.settled, late)

    def newest(self, tasks: Ints, until: float | Floats) -> Rows:
        """See `Rows.newest`."""
        return self.settled.about(tasks).beside(self.late).newest(tasks, until)

    def tasks_since(self, since: float) -> Ints:
        """Of which something was said since a moment: rising, each once."""
        found = [each.tasks[each.made >= since] for each in (self.settled, self.late)]
        return np.unique(np.concatenate(found))


def outlived(parts: Sequence[Part], versions: int) -> npt.NDArray[np.bool_]:
    """Which rows of the parts, one after the other, are old: of the same task there is a newer one of the
    same version, or of so many newer versions."""
    rows, version = Rows.of(parts), _versions(parts)
    by_version = np.lexsort((-rows.made, version, rows.tasks))
    pair = np.stack([rows.tasks[by_version], version[by_version]])
    first = np.ones(len(rows.tasks), bool)
    first[1:] = (pair[:, 1:] != pair[:, :-1]).any(0)
    is_newest = np.zeros(len(rows.tasks), bool)
    is_newest[by_version] = first
    by_time = np.lexsort((-rows.made, rows.tasks))
    count = np.cumsum(is_newest[by_time])
    tasks = rows.tasks[by_time]
    begins = np.flatnonzero(np.append(True, tasks[1:] != tasks[:-1])) if len(tasks) else NO_ROWS.tasks
    before = np.repeat(count[begins] - is_newest[by_time][begins], np.diff([*begins, len(tasks)]))
    gone = np.zeros(len(rows.tasks), bool)
    gone[by_time] = ~is_newest[by_time] | (count - before > versions)
    return gone


def _versions(parts: Sequence[Part]) -> Ints:
    """Of each row the number of its version, the same in all parts."""
    numbers: dict[str, int] = {}
    known = [np.array([numbers.setdefault(name, len(numbers)) for name in of.versions], int) for of in parts]
    return np.concatenate([NO_ROWS.tasks, *(each[of.version] for each, of in zip(known, parts, strict=True))])


def last_of_each(tasks: Ints) -> npt.NDArray[np.bool_]:
    """tasks: int64 [n], equal ones side by side. Which is the last of those that are equal."""
    last = np.ones(len(tasks), bool)
    last[:-1] = tasks[1:] != tasks[:-1]
    return last
