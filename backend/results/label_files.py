"""Labels and their reasons as a file: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import IO

from backend.results.files import cell, replace
from backend.results.labels import Labels
from backend.store.reason import NAMES


def write_labels(labels: Labels, path: Path) -> None:
    """path: its ending, .csv or .json, says which. Raises AtlasError where it cannot be written."""
    kinds: dict[str, Callable[[Labels, IO[str]], None]] = {".csv": _write_csv, ".json": _write_json}
    replace(path, lambda file: kinds[path.suffix](labels, file))


def _write_csv(labels: Labels, file: IO[str]) -> None:
    """Columns: task, text, the label of each control by its name, and what `Reason` has, as why_..."""
    writer = csv.writer(file)
    writer.writerow(["task", "text", *labels.controls, *(f"why_{name}" for name in NAMES)])
    for row in labels.rows:
        given = [row.labels.get(name) for name in labels.controls]
        why = row.reason.as_json()
        told = ["" if why[name] is None else why[name] for name in NAMES]
        writer.writerow(
            [row.task, row.text, *("" if label is None else cell(label) for label in given), *told]
        )


def _write_json(labels: Labels, file: IO[str]) -> None:
    rows = [
        {"task": row.task, "text": row.text, "labels": row.labels, "why": row.reason.as_json()}
        for row in labels.rows
    ]
    file.write(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
