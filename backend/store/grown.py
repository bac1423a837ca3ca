"""Rows that only ever become more, in parts of which only the last one grows.

A record of 20,000 rows is not written again for one more. A part's name says how many rows it has, so that no
file is ever written twice: other machines read each once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from backend.store.files import Files

Row = TypeVar("Row")


class GrownRecord(ABC, Generic[Row]):
    """Of one project. Raises ModelStoreError where that fails."""

    folder: str
    """Where its parts lie, below the project's."""
    ending: str
    part_rows: int
    """The most rows of a part."""

    def __init__(self, files: Files):
        self._files = files

    @abstractmethod
    def encoded(self, rows: Sequence[Row]) -> bytes:
        """A part's content."""

    @abstractmethod
    def rows(self, path: str) -> list[Row]:
        """Of a part; what cannot be read is left out, and named in the log."""

    def add(self, new: Sequence[Row]) -> None:
        if not new:
            return
        parts = self.parts()
        number, grown = len(parts), parts[-1] if parts else None
        last = [] if grown is None else self.rows(grown)
        if grown is None or len(last) >= self.part_rows or len(last) != rows_by_name(grown):
            # One that has lost a row is left as it is: under its name there is something else already.
            number, grown, last = number + 1, None, []
        rest = [*last, *new]
        for start in range(0, len(rest), self.part_rows):
            self._write(number + start // self.part_rows, rest[start : start + self.part_rows])
        if grown is not None:
            self._files.delete(grown)

    def parts(self) -> list[str]:
        """Oldest first. Where somebody died before the shorter one of a part was deleted, the longer one."""
        found = sorted(self._files.paths(self.folder, self.ending))
        return list({path.split("-")[0]: path for path in found}.values())

    def _write(self, number: int, rows: Sequence[Row]) -> None:
        self._files.write(f"{self.folder}/{number:06d}-{len(rows):04d}{self.ending}", self.encoded(rows))


def rows_by_name(path: str) -> int:
    return int(path.rsplit("-", 1)[1].split(".")[0])
