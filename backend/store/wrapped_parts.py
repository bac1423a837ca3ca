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
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Part:
    """What its rows are about. tasks: int64 [n]; made: float64 [n], seconds since 1970; version: int32 [n],
    each row's place in `versions`; ends: int64 [n], where what was said ends among the results' bytes."""

    tasks: Ints
    made: Floats
    version: Codes
    versions: tuple[str, ...]
    ends: Ints

    @classmethod
    def parse(cls, about: bytes) -> Part:
        """Raises ValueError, KeyError or TypeError for what is none."""
        found: dict[str, Any] = json.loads(about)
        tasks, ends = (np.array(found[name], np.int64) for name in ("tasks", "ends"))
        names: dict[str, int] = {}
        codes = [names.setdefault(str(each), len(names)) for each in found["versions"]]
        made = np.array(found["made"], np.float64)
        part = cls(tasks, made, np.array(codes, np.int32), tuple(names), ends)
        if len({len(part.tasks), len(part.made), len(part.version), len(part.ends)}) != 1:
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
            self.versions[int(self.version[row])],
            tuple(said["result"]),
            said["score"],
            made,
            str(said.get("about", "")),
        )


NO_ROWS = Part(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int32), (), np.zeros(0, np.int64))


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
