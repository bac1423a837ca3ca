"""The parts that what a wrapped backend said lies in: two files each, neither written twice.

Of its rows what they are about (`.tasks.json`), small, and what was said (`.results`). Who asks for one task
reads the first of all parts once, and the second of one part.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.wrapped.prediction import WrappedPrediction

PART_ROWS, PART_BYTES = 1000, 2 * 2**20
"""Of a part, at most, unless one row alone is larger."""
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """What its rows are about. tasks: int64 [n]; made: float64 [n], seconds since 1970; versions: each row's;
    ends: int64 [n], where what was said ends among the results' bytes."""

    tasks: Ints
    made: Floats
    versions: tuple[str, ...]
    ends: Ints

    @classmethod
    def parse(cls, about: bytes) -> Part:
        """Raises ValueError, KeyError or TypeError for what is none."""
        found: dict[str, Any] = json.loads(about)
        tasks, ends = (np.array(found[name], np.int64) for name in ("tasks", "ends"))
        part = cls(tasks, np.array(found["made"], np.float64), tuple(map(str, found["versions"])), ends)
        if len({len(part.tasks), len(part.made), len(part.versions), len(part.ends)}) != 1:
            raise ValueError("rows of different lengths")
        return part

    @property
    def size(self) -> int:
        """Of its results, in bytes."""
        return int(self.ends[-1]) if len(self.ends) else 0

    def prediction(self, row: int, results: bytes) -> WrappedPrediction:
        """Raises ValueError, KeyError or TypeError where it cannot be read."""
        start = int(self.ends[row - 1]) if row else 0
        said = json.loads(results[start : int(self.ends[row])])
        made = float(self.made[row])
        return WrappedPrediction(
            int(self.tasks[row]),
            self.versions[row],
            tuple(said["result"]),
            said["score"],
            made,
            str(said.get("about", "")),
        )


NO_ROWS = Part(np.zeros(0, np.int64), np.zeros(0), (), np.zeros(0, np.int64))


@dataclass(frozen=True)
class Packed:
    """A part as bytes. name: tells when its newest row was made, and what is in it."""

    name: str
    about: bytes
    results: bytes


def packed(predictions: Sequence[WrappedPrediction]) -> list[Packed]:
    """In parts of bounded size."""
    made, some, rows, size = list[Packed](), list[WrappedPrediction](), list[bytes](), 0
    for prediction in predictions:
        row = json.dumps(_said(prediction)).encode() + b"\n"
        if some and (len(some) == PART_ROWS or size + len(row) > PART_BYTES):
            made.append(_part(some, rows))
            some, rows, size = [], [], 0
        some.append(prediction)
        rows.append(row)
        size += len(row)
    return [*made, _part(some, rows)] if some else made


def _said(prediction: WrappedPrediction) -> dict[str, Any]:
    return {"result": prediction.result, "score": prediction.score, "about": prediction.about}


def _part(predictions: Sequence[WrappedPrediction], rows: Sequence[bytes]) -> Packed:
    about = json.dumps(
        {
            "tasks": [each.task for each in predictions],
            "made": [each.made for each in predictions],
            "versions": [each.version for each in predictions],
            "ends": np.cumsum([len(row) for row in rows]).tolist(),
        }
    ).encode()
    results = b"".join(rows)
    digest = hashlib.blake2b(about + results, digest_size=6).hexdigest()
    newest = max(each.made for each in predictions)
    return Packed(f"{int(newest * 1000):014d}-{digest}", about, results)


@dataclass(frozen=True)
class Rows:
    """Of several parts, one after the other. tasks: int64 [N]; made: float64 [N]; version: int64 [N], numbers
    in `versions`; part: int64 [N], numbers of the parts; row: int64 [N], the places in these."""

    tasks: Ints
    made: Floats
    version: Ints
    part: Ints
    row: Ints
    versions: tuple[str, ...]

    @classmethod
    def of(cls, parts: Sequence[Part]) -> Rows:
        codes: dict[str, int] = {}
        named = [[codes.setdefault(each, len(codes)) for each in part.versions] for part in parts]
        sizes = [len(part.tasks) for part in parts]
        return cls(
            np.concatenate([NO_ROWS.tasks, *(part.tasks for part in parts)]),
            np.concatenate([NO_ROWS.made, *(part.made for part in parts)]),
            np.array([code for each in named for code in each], np.int64),
            np.repeat(np.arange(len(parts)), sizes).astype(np.int64),
            np.concatenate([NO_ROWS.tasks, *(np.arange(size) for size in sizes)]).astype(np.int64),
            tuple(codes),
        )

    def newest(self, tasks: Ints, until: float | Floats) -> Ints:
        """The rows that each of the tasks, each once, was last spoken of in, before its moment."""
        if not len(tasks) or not len(self.tasks):
            return NO_ROWS.tasks
        order = np.argsort(tasks, kind="stable")
        place = np.minimum(np.searchsorted(tasks, self.tasks, sorter=order), len(tasks) - 1)
        asked, moment = tasks[order][place], np.broadcast_to(until, tasks.shape)[order][place]
        wanted = np.flatnonzero((asked == self.tasks) & (self.made < moment))
        wanted = wanted[np.lexsort((self.made[wanted], self.tasks[wanted]))]
        return wanted[last_of_each(self.tasks[wanted])]

    def outlived(self, versions: int) -> npt.NDArray[np.bool_]:
        """Rows that newer ones of the same task stand for: of the same version, or of so many newer ones."""
        by_version = np.lexsort((-self.made, self.version, self.tasks))
        pair = np.stack([self.tasks[by_version], self.version[by_version]])
        first = np.ones(len(self.tasks), bool)
        first[1:] = (pair[:, 1:] != pair[:, :-1]).any(0)
        is_newest = np.zeros(len(self.tasks), bool)
        is_newest[by_version] = first
        by_time = np.lexsort((-self.made, self.tasks))
        count = np.cumsum(is_newest[by_time])
        tasks = self.tasks[by_time]
        begins = np.flatnonzero(np.append(True, tasks[1:] != tasks[:-1])) if len(tasks) else NO_ROWS.tasks
        before = np.repeat(count[begins] - is_newest[by_time][begins], np.diff([*begins, len(tasks)]))
        gone = np.zeros(len(self.tasks), bool)
        gone[by_time] = ~is_newest[by_time] | (count - before > versions)
        return gone


def last_of_each(tasks: Ints) -> npt.NDArray[np.bool_]:
    """tasks: int64 [n], equal ones side by side. Which is the last of those that are equal."""
    last = np.ones(len(tasks), bool)
    last[:-1] = tasks[1:] != tasks[:-1]
    return last
