"""Results as a file: CSV for spreadsheets, JSON lines for programs."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

from backend.errors import AtlasError
from backend.results.collect import Result, Results
from backend.spreadsheet import write_rows


def write(results: Results, path: Path) -> None:
    """A row, or a line, for each task. path: its ending, .csv or .jsonl, says which. Raises as `replace`."""
    kinds: dict[str, Callable[[Results, IO[str]], None]] = {".csv": _write_csv, ".jsonl": _write_lines}
    replace(path, lambda file: kinds[path.suffix](results, file))


def replace(path: Path, fill: Callable[[IO[str]], None]) -> None:
    """What was there is replaced when the new file is whole, and the same people may read it.

    Raises AtlasError where it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        with open(temporary, "w", encoding="utf-8", errors="replace", newline="") as file:
            if path.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            fill(file)
        os.replace(temporary, path)
    except OSError as error:
        raise AtlasError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):  # gone, or never made
            temporary.unlink()


def _write_csv(results: Results, file: IO[str]) -> None:
    """Columns: task, text, waits, model_version, and of each control its label, its guess, the confidence."""
    controls = [
        column for name in results.controls for column in (name, f"{name}_guess", f"{name}_confidence")
    ]
    write_rows(file, [["task", "text", "waits", "model_version", *controls], *_rows(results)])


def _rows(results: Results) -> Iterator[list[object]]:
    for row in results.rows:
        cells = [cell for name in results.controls for cell in _cells(row, name)]
        yield [row.task, row.text, str(row.waits).lower(), results.version, *cells]


def _cells(row: Result, name: str) -> tuple[str, str, str]:
    guess, label = row.guesses.get(name), row.labels.get(name)
    return (
        "" if label is None else cell(label),
        "" if guess is None else cell(guess.choices),
        "" if guess is None else f"{guess.confidence:.4f}",
    )


def cell(choices: list[str]) -> str:
    """One choice as it is; several, or none of them, as a JSON list."""
    return choices[0] if len(choices) == 1 else json.dumps(choices, ensure_ascii=False)


def _write_lines(results: Results, file: IO[str]) -> None:
    for row in results.rows:
        guesses = {
            name: {"choices": guess.choices, "confidence": guess.confidence}
            for name, guess in row.guesses.items()
        }
        line = {
            "task": row.task,
            "text": row.text,
            "waits": row.waits,
            "labels": row.labels,
            "guesses": guesses,
            "model_version": results.version,
        }
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
