"""The labelled texts of a file, whatever its form, each text once; and what was left out of it, and why."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.errors import AtlasError
from backend.labelled.columns import choose_columns, value_at
from backend.labelled.decoding import Decoded, decode_file
from backend.labelled.labels import class_in_cell
from backend.labelled.split import Row
from backend.labelled.table import Table, json_lines, read_csv, table_of_objects
from backend.labelstudio.export import is_task, read_export

_NAMED = 5
"""Classes named in a warning."""


@dataclass(frozen=True)
class LabelledTexts:
    """rows: distinct texts with their labels; duplicates: rows merged into another with the same text;
    source: which columns, or which field and control, they came from, in words; form: the file's;
    dropped: how many rows were left out, by the reason; warnings: sentences on what looks like a mistake."""

    rows: list[Row]
    duplicates: int
    source: str
    form: str = ""
    dropped: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def per_class(self) -> dict[str, int]:
        """Texts per class, the rarest first."""
        counts = Counter(label for _, label in self.rows)
        return dict(sorted(counts.items(), key=lambda item: (item[1], item[0])))


def load(path: Path, text_field: str | None = None, control: str | None = None) -> LabelledTexts:
    """Read a CSV, JSON lines, or an export of a Label Studio project (JSON, JSON-MIN, CSV), also as .gz.

    text_field, control: the columns' names; for a JSON export see `read_export`.
    Raises AtlasError, naming the file and what to do, for any other file, and for one in which fewer than
    two classes have two texts.
    """
    decoded = decode_file(path)
    try:
        texts = _read(decoded, text_field, control)
        _check_classes(texts)
    except AtlasError as error:
        raise AtlasError(f"{path}: {error}") from error
    except csv.Error as error:
        raise AtlasError(f"{path} cannot be read: {error}") from error
    return texts


def _read(decoded: Decoded, text_field: str | None, control: str | None) -> LabelledTexts:
    encoding = f"{decoded.encoding}, " if decoded.encoding != "UTF-8" else ""
    warnings = [_look_at_letters(decoded)] if decoded.guessed else []
    values = _json_values(decoded.text)
    if values and any(map(is_task, values)):
        export = read_export(values, text_field, control)
        form, rows, dropped = "JSON export", export.rows, export.dropped
        source = f"field {export.field}, control {export.control.from_name}"
    else:
        table = _table(decoded.text, values)
        if table.columns and not table.rows:
            raise AtlasError("it has a header line and no row below it")
        text, label = choose_columns(table, text_field, control)
        form, source = table.form, f"{table.cells}s {text} and {label}"
        rows, dropped = _rows(table, text, label)
    if not rows:
        why = "; ".join(in_words(dropped))
        raise AtlasError(f"it has no row with both a text and a label ({source}): {why}")
    distinct = _distinct(rows)
    texts = LabelledTexts(distinct, len(rows) - len(distinct), source, encoding + form, dropped, warnings)
    warnings += _suspicions(texts.per_class)
    return texts


def _json_values(text: str) -> list[Any] | None:
    """The objects of a JSON list or of JSON lines; None for what is not JSON.

    Raises AtlasError for JSON that is damaged, or something else.
    """
    start = text.lstrip()[:1]
    if start not in ("[", "{"):
        return None
    try:
        values = json.loads(text)
    except RecursionError as error:
        raise AtlasError("it is JSON with too many brackets within brackets") from error
    except ValueError as whole:
        try:
            values = json_lines(text)
        except ValueError:
            if start == "{" or text.lstrip()[1:].lstrip()[:1] in ("{", "]"):
                raise AtlasError(f"it cannot be read as JSON: {whole}") from whole
            return None  # a CSV whose first name begins with a bracket
    values = values if isinstance(values, list) else [values]
    if not any(values) or not all(isinstance(value, dict) for value in values):
        raise AtlasError("it is JSON, but no list of tasks and no objects with a text and a label each")
    return values


def _table(text: str, values: list[Any] | None) -> Table:
    return read_csv(text) if values is None else table_of_objects(values, "JSON")


def _rows(table: Table, text: str, label: str) -> tuple[list[Row], dict[str, int]]:
    """Those that have both, white space around them cut off, and how many were left out, by the reason."""
    rows: list[Row] = []
    reasons: Counter[str] = Counter()
    if table.misshapen:
        reasons["with more fields than the header (a separator within a text needs quotes around it)"] = (
            table.misshapen
        )
    for row in table.rows:
        found = value_at(row, text)
        content = "" if found is None else str(found).encode("utf-8", "replace").decode().strip()
        name = class_in_cell(value_at(row, label)).encode("utf-8", "replace").decode()
        if content and name:
            rows.append((content, name))
        else:
            reasons["without a text" if not content else "without a label"] += 1
    return rows, dict(reasons)


def _distinct(rows: list[Row]) -> list[Row]:
    """Each text once, with its most frequent label: a copy among the held-out texts would give them away."""
    first: dict[str, str] = {}
    votes: dict[str, Counter[str]] = {}
    for text, label in rows:
        key = " ".join(text.lower().split())  # what the encoder can tell apart
        first.setdefault(key, text)
        votes.setdefault(key, Counter())[label] += 1
    return [(text, votes[key].most_common(1)[0][0]) for key, text in first.items()]


def _check_classes(texts: LabelledTexts) -> None:
    counts = texts.per_class
    if len(counts) == 1:
        raise AtlasError(
            f"all its texts have one label, {next(iter(counts))!r} ({texts.source}); at least two classes "
            "are needed, with two texts each"
        )
    if sum(count > 1 for count in counts.values()) < 2:
        raise AtlasError(
            f"at least two classes with two texts each are needed; it has {_listed(counts)} ({texts.source})"
        )


def _suspicions(counts: dict[str, int]) -> list[str]:
    """What in the classes looks like a mistake."""
    alike: dict[str, dict[str, int]] = {}
    for name, count in counts.items():
        alike.setdefault(" ".join(name.casefold().split()), {})[name] = count
    found = [
        f"these classes differ only in capitals or spaces, and are taken as different: {_listed(names)}"
        for names in alike.values()
        if len(names) > 1
    ]
    if single := {name: count for name, count in counts.items() if count == 1}:
        found.append(
            f"{_listed(single)}: a class with one text has none to be measured on, "
            "and cannot be found but by chance"
        )
    return found


def _listed(counts: dict[str, int]) -> str:
    shown = [f"{name[:40]} ({count})" for name, count in list(counts.items())[:_NAMED]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def in_words(dropped: dict[str, int]) -> list[str]:
    """How many rows were left out and why: "6 rows without a label"."""
    return [f"{count:,} row{'' if count == 1 else 's'} {reason}" for reason, count in dropped.items()]


def _look_at_letters(decoded: Decoded) -> str:
    """With an example: only a person can tell whether the guess was right."""
    words = (word for line in decoded.text.splitlines() for word in line.split() if not word.isascii())
    example = next(words, "")[:40]
    return (
        f"the file does not say its encoding; it is read as {decoded.encoding}, such as {example!r}: "
        "if that looks wrong, save it as UTF-8"
    )
