"""The record of why each labelled task was labelled: a row per task, kept with the models.

Of a task that was labelled, emptied and labelled again the last row counts.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from backend.store.grown import GrownRecord
from backend.store.kept_json import UNREADABLE
from backend.store.reason import NAMES, Reason

logger = logging.getLogger(__name__)

PART_ROWS = 1000
_COLUMNS = ("task", "annotation", *NAMES)


class LabelledFor(NamedTuple):
    """annotation: the number of the first that answered the task."""

    task: int
    annotation: int
    reason: Reason


class LabelRecord(GrownRecord[LabelledFor]):
    """Of one project. Raises ModelStoreError where that fails."""

    folder = "labelled"
    ending = ".json"
    part_rows = PART_ROWS

    def read(self) -> dict[int, LabelledFor]:
        """By task. A part that cannot be read is left out, and named in the log."""
        return {row.task: row for path in self.parts() for row in self.rows(path)}

    def annotations(self) -> dict[int, int]:
        """By task, the annotation that its row is of: a tenth of the work of `read`."""
        return {row[0]: row[1] for path in self.parts() for row in self._table(path)[1]}

    def encoded(self, rows: Sequence[LabelledFor]) -> bytes:
        found = [[row.task, row.annotation, *(getattr(row.reason, name) for name in NAMES)] for row in rows]
        return json.dumps({"columns": _COLUMNS, "rows": found}).encode()

    def rows(self, path: str) -> list[LabelledFor]:
        columns, rows = self._table(path)
        made = (dict(zip(columns, row, strict=True)) for row in rows)
        return [LabelledFor(row["task"], row["annotation"], Reason.from_json(row)) for row in made]

    def _table(self, path: str) -> tuple[list[str], list[list[Any]]]:
        """A part's columns, task and annotation first, and its rows; none where it is damaged."""
        try:
            found = json.loads(self._files.read_constant(path))
            columns, rows = list(map(str, found["columns"])), list(found["rows"])
            if columns[:2] != ["task", "annotation"] or "how" not in columns:
                raise ValueError("other columns")
            if not all(len(row) == len(columns) and _are_numbers(row[:2]) for row in rows):
                raise ValueError("other rows")
            return columns, rows
        except UNREADABLE as error:
            logger.warning("why some tasks were labelled cannot be read from %s: %s", path, error)
            return [], []


def _are_numbers(values: Sequence[object]) -> bool:
    return all(type(value) is int for value in values)
