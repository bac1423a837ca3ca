"""A list of tasks as a file: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO

from backend.results.files import replace
from backend.spreadsheet import write_rows


def write_list(
    path: Path, columns: Sequence[str], lines: Iterable[Sequence[object]], rows: Iterable[object]
) -> None:
    """path: its ending, .csv or .json, says which; lines: of the CSV, a cell for each of `columns`; rows: of
    the JSON. Raises AtlasError where it cannot be written."""
    fill: dict[str, Callable[[IO[str]], None]] = {
        ".csv": lambda file: write_rows(file, [columns, *lines]),
        ".json": lambda file: print(json.dumps(list(rows), ensure_ascii=False, indent=1), file=file),
    }
    replace(path, fill[path.suffix])
