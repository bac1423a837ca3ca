"""Rows under named columns: CSV with whatever separator, JSON lines, a JSON list."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from backend.spreadsheet import from_cell

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LOOKED_AT = 100
"""Rows by which the separator is found."""
LARGEST_FIELD = 2**31 - 1
"""Characters; Python's own bound is 131,072."""


@dataclass(frozen=True)
class Table:
    """rows: a value by each column's name, those that are missing left out; form: in words;
    misshapen: rows left out, for they had more fields than the header."""

    columns: list[str]
    rows: list[dict[str, Any]]
    form: str
    misshapen: int = 0

    @property
    def cells(self) -> str:
        """What holds a value of a row is called, in words."""
        return "column" if self.form.startswith("separated") else "field"


def table_of_objects(objects: list[dict[str, Any]], form: str) -> Table:
    return Table(list(dict.fromkeys(name for each in objects for name in each)), objects, form)


def json_lines(text: str) -> list[Any]:
    """A value per line, empty lines passed over. Raises ValueError for anything else."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def read_csv(text: str) -> Table:
    """By the separator that fits the first rows best; of cells as we write them for spreadsheets the text.
    Raises csv.Error."""
    csv.field_size_limit(LARGEST_FIELD)
    if text[:4].lower() == "sep=":  # a line that Excel writes for itself
        text = text.partition("\n")[2]
    separator = max(SEPARATORS, key=lambda each: _fit(text, each))
    records = _records(text, separator)
    columns = [from_cell(name.strip()) for name in next(records, [])]
    rows, misshapen = [], 0
    for record in records:
        if any(cell.strip() for cell in record[len(columns) :]):
            misshapen += 1
        elif any(cell.strip() for cell in record):
            rows.append(dict(zip(columns, map(from_cell, record), strict=False)))
    return Table(columns, rows, f"separated by {SEPARATORS[separator]}", misshapen)


def _records(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


def _fit(text: str, separator: str) -> tuple[bool, float, int]:
    """How well a separator fits: whether it gives our own header, how even its rows are, how wide."""
    header, *records = [*islice(_records(text, separator), LOOKED_AT)] or [[]]
    ours = {"text", "label"} <= {name.strip().lower() for name in header}
    even = sum(len(record) == len(header) for record in records) / max(1, len(records))
    return ours, even if len(header) > 1 else -1.0, len(header)
