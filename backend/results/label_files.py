"""Labels and their reasons as a file: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from backend.results.files import cell
from backend.results.labels import Labels
from backend.results.listed import write_list
from backend.store.reason import NAMES


def write_labels(labels: Labels, path: Path) -> None:
    """path: its ending, .csv or .json, says which; the columns of a CSV are task, text, the label of each
    control by its name, and what `Reason` has, as why_... Raises AtlasError where it cannot be written."""
    columns = ["task", "text", *labels.controls, *(f"why_{name}" for name in NAMES)]
    rows = (
        {"task": row.task, "text": row.text, "labels": row.labels, "why": row.reason.as_json()}
        for row in labels.rows
    )
    write_list(path, columns, _lines(labels), rows)


def _lines(labels: Labels) -> Iterator[list[object]]:
    for row in labels.rows:
        given = [row.labels.get(name) for name in labels.controls]
        why = row.reason.as_json()
        reasons = ["" if why[name] is None else why[name] for name in NAMES]
        yield [row.task, row.text, *("" if label is None else cell(label) for label in given), *reasons]
