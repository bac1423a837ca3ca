"""The record of why each labelled task was labelled: a row per task, kept with the models.

Rows are written in parts of at most PART_ROWS, of which only the last grows: a project of 100,000 labels does
not write them all again for five more. A part's name says how many rows it has, so that no file is ever
written twice: other machines read each once. Of a task that was labelled, emptied and labelled again the last
row counts.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from backend.store.files import Files
from backend.store.reason import NAMES, Reason

logger = logging.getLogger(__name__)

PART_ROWS = 1000
_FOLDER = "labelled"
_COLUMNS = ("task", "annotation", *NAMES)


class LabelledFor(NamedTuple):
    """annotation: the number of the first that answered the task."""

    task: int
    annotation: int
    reason: Reason


class LabelRecord:
    """Of one project. Raises ModelStoreError where that fails."""

    def __init__(self, files: Files):
        self._files = files

    def read(self) -> dict[int, LabelledFor]:
        """By task. A part that cannot be read is left out, and named in the log."""
        return {row.task: row for path in self._parts() for row in self._rows(path)}

    def annotations(self) -> dict[int, int]:
        """By task, the annotation that its row is of: a tenth of the work of `read`."""
        return {row[0]: row[1] for path in self._parts() for row in self._table(path)[1]}

    def add(self, rows: Sequence[LabelledFor]) -> None:
        parts = self._parts()
        number, grown = len(parts), parts[-1] if parts else None
        last = [] if grown is None else self._rows(grown)
        if not last or len(last) >= PART_ROWS:
            number, grown, last = number + 1, None, []
        rest = [*last, *rows]
        for start in range(0, len(rest), PART_ROWS):
            self._write(number + start // PART_ROWS, rest[start : start + PART_ROWS])
        if grown is not None and rows:
            self._files.delete(grown)

    def _parts(self) -> list[str]:
        """Oldest first. Where somebody died before the shorter one of a part was deleted, the longer one."""
        found = sorted(self._files.paths(_FOLDER, ".json"))
        return list({path.split("-")[0]: path for path in found}.values())

    def _write(self, number: int, rows: Sequence[LabelledFor]) -> None:
        found = [[row.task, row.annotation, *(getattr(row.reason, name) for name in NAMES)] for row in rows]
        content = json.dumps({"columns": _COLUMNS, "rows": found}).encode()
        self._files.write(f"{_FOLDER}/{number:06d}-{len(rows):04d}.json", content)

    def _rows(self, path: str) -> list[LabelledFor]:
        columns, rows = self._table(path)
        made = (dict(zip(columns, row, strict=True)) for row in rows)
        return [LabelledFor(row["task"], row["annotation"], Reason.from_json(row)) for row in made]

    def _table(self, path: str) -> tuple[list[str], list[list[Any]]]:
        """A part's columns, task and annotation first, and its rows; none where it is damaged."""
        try:
            found = json.loads(self._files.read_constant(path))
            columns, rows = list(found["columns"]), list(found["rows"])
            if columns[:2] != ["task", "annotation"] or "how" not in columns:
                raise ValueError("other columns")
            if not all(len(row) == len(columns) and _are_numbers(row[:2]) for row in rows):
                raise ValueError("other rows")
            return columns, rows
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            logger.warning("why some tasks were labelled cannot be read from %s: %s", path, error)
            return [], []


def _are_numbers(values: Sequence[object]) -> bool:
    return all(type(value) is int for value in values)
