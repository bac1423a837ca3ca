"""Marked parts that looked wrong, or missing, and that people on a page called right as they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backend.controls.matching import SAME, overlap
from backend.store.files import Files
from backend.store.kept_json import UNREADABLE
from backend.store.paths import exclusive

FILE, UNMARKED = "accepted-parts.json", "accepted-unmarked.json"
AcceptedPart = tuple[int, str]
"""A task, and which part of it with which label."""


class Unmarked(NamedTuple):
    """A place where a model sees a part, and where it is right that nobody marked one. answer: a digest of
    the task's, for which that was said; place: start and end, or x, y, width and height."""

    task: int
    answer: str
    place: tuple[float, ...]

    def is_same(self, other: Unmarked) -> bool:
        """Of models that were trained one after the other hardly two draw the very same box."""
        if (self.task, self.answer, len(self.place)) != (other.task, other.answer, len(other.place)):
            return False
        return float(overlap(_box(self.place), _box(other.place))[0, 0]) >= SAME


class AcceptedParts:
    """Of one project. Raises ModelStoreError where that fails."""

    def __init__(self, files: Files, directory: Path):
        """directory: of the project on this machine, where who changes it waits for the others."""
        self._files = files
        self._directory = directory

    def marked(self) -> set[AcceptedPart]:
        """Empty where there are none, or they cannot be read."""
        try:
            return {(int(task), str(part)) for task, part in self._read(FILE)}
        except UNREADABLE:
            return set()

    def unmarked(self) -> list[Unmarked]:
        """[] where there are none, or they cannot be read."""
        try:
            return [
                Unmarked(int(t), str(a), tuple(map(float, place))) for t, a, place in self._read(UNMARKED)
            ]
        except UNREADABLE:
            return []

    def add(self, task: int, part: str) -> None:
        with exclusive(self._directory, "accepted"):
            self._write(FILE, sorted({*self.marked(), (task, part)}))

    def add_unmarked(self, new: Unmarked) -> None:
        """And forget what was said of the task's former answers."""
        with exclusive(self._directory, "accepted"):
            kept = [each for each in self.unmarked() if each.task != new.task or each.answer == new.answer]
            self._write(UNMARKED, [*kept, new])

    def _read(self, file: str) -> Any:
        try:
            return json.loads(self._files.read(file))
        except UNREADABLE:
            return []

    def _write(self, file: str, rows: Sequence[object]) -> None:
        self._files.write(file, json.dumps(rows).encode())


def _box(place: Sequence[float]) -> Any:
    """float64 [1, 4]; a text's part is as high as the text."""
    start, end = place[0], place[1]
    return np.array([place if len(place) == 4 else (start, 0.0, end - start, 1.0)])
