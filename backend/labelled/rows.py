"""A file's rows, whatever its form: texts with a label, and texts that have none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from backend.errors import AtlasError
from backend.fields import values_of
from backend.labelled.columns import choose_columns, text_column, value_at
from backend.labelled.decoding import Decoded, storable
from backend.labelled.labels import class_in_cell
from backend.labelled.split import Row
from backend.labelled.table import Table, json_lines, read_csv, table_of_objects
from backend.labelled.things import TEXTS, Things
from backend.labelstudio.export import is_task, read_export


class Waiting(NamedTuple):
    """What has no label; of an image, its file. place: its row's number below the header, from 1, its task's,
    or its number among the files."""

    place: int
    text: str


@dataclass(frozen=True)
class Rows:
    """places: what `Waiting.place` numbers, "row", "task" or "file"; source: which columns, or which field
    and control, they came from, in words; form: the file's; dropped: how many rows were left out, by the
    reason; warnings: sentences on what looks like a mistake; things: what the rows are; fields: by the text,
    the values of the fields that were asked for, of the first row that has it."""

    labelled: list[Row]
    waiting: list[Waiting]
    source: str
    form: str
    places: str = "row"
    dropped: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    things: Things = TEXTS
    fields: dict[str, dict[str, str]] = field(default_factory=dict)


def read_rows(
    decoded: Decoded,
    text_field: str | None,
    control: str | None,
    *,
    label_needed: bool = True,
    control_needed: bool = True,
    fields: Sequence[str] = (),
) -> Rows:
    """Texts and labels with the white space around them cut off, as often as they are there.

    label_needed: refuse a file in which nothing holds labels; control_needed: one without the column
    `control`, where that is named; fields: columns, or fields of the tasks' data, whose values to keep.
    Raises AtlasError, saying what to do, for what is no such file, and csv.Error.
    """
    values = _json_values(decoded.text)
    if values and any(map(is_task, values)):
        rows = _of_export(values, text_field, control, label_needed, fields)
    else:
        label_needed |= control is not None and control_needed
        rows = _of_table(_table(decoded.text, values), text_field, control, label_needed, fields)
    if decoded.guessed:
        rows.warnings.insert(0, _look_at_letters(decoded))
    encoding = f"{decoded.encoding}, " if decoded.encoding != "UTF-8" else ""
    return replace(rows, form=encoding + rows.form)


def _json_values(text: str) -> list[Any] | None:
    """The objects of a JSON list or of JSON lines; None for what is not JSON.

    Raises AtlasError for JSON that is damaged, or something else.
    """
    start = text.lstrip()[:1]
    if start not in ("[", "{"):
        return None
    try:
        values = _whole_or_in_lines(text)
    except RecursionError as error:
        raise AtlasError("it is JSON with too many brackets within brackets") from error
    except ValueError as whole:
        if start == "{" or text.lstrip()[1:].lstrip()[:1] in ("{", "]"):
            raise AtlasError(f"it cannot be read as JSON: {whole}") from whole
        return None  # a CSV whose first name begins with a bracket
    values = values if isinstance(values, list) else [values]
    if not any(values) or not all(isinstance(value, dict) for value in values):
        raise AtlasError("it is JSON, but no list of tasks and no objects with a text and a label each")
    return values


def _whole_or_in_lines(text: str) -> Any:
    """Raises ValueError, of the whole, where it is neither."""
    try:
        return json.loads(text)
    except ValueError as whole:
        try:
            return json_lines(text)
        except ValueError:
            raise whole from None


def _table(text: str, values: list[Any] | None) -> Table:
    return read_csv(text) if values is None else table_of_objects(values, "JSON")


def _of_export(
    values: list[Any],
    text_field: str | None,
    control: str | None,
    label_needed: bool,
    fields: Sequence[str],
) -> Rows:
    export = read_export(values, text_field, control, label_needed=label_needed)
    name, kept = export.control.from_name, dict[str, dict[str, str]]()
    if fields:
        for data in (task["data"] for task in values):
            kept.setdefault(str(value_at(data, export.field)).strip(), values_of(data, fields))
    return Rows(
        export.rows,
        [Waiting(*each) for each in export.waiting],
        f"field {export.field}, {f'control {name}' if name else 'no annotation'}",
        "JSON export",
        "task",
        export.dropped,
        fields=kept,
    )


def _of_table(
    table: Table, text_field: str | None, control: str | None, label_needed: bool, fields: Sequence[str]
) -> Rows:
    if table.columns and not table.rows:
        raise AtlasError("it has a header line and no row below it")
    text = None if label_needed else text_column(table, text_field, control)
    if text is None:
        text, label = choose_columns(table, text_field, control)
        return _rows(table, text, label, f"{table.cells}s {text} and {label}", fields)
    others = [name for name in table.columns if name != text]
    rows = _rows(table, text, None, f"{table.cells} {text}, none of labels", fields)
    if others:
        rows.warnings.append(
            f"no {table.cells} is called label, so that every text counts as unlabelled; if one of "
            f"{_listed(others)} holds labels, name it with --control"
        )
    return rows


def _rows(table: Table, text: str, label: str | None, source: str, fields: Sequence[str]) -> Rows:
    rows = Rows([], [], source, table.form)
    if table.misshapen:
        reason = "with more fields than the header (a separator within a text needs quotes around it)"
        rows.dropped[reason] = table.misshapen
    empty = 0
    for number, row in enumerate(table.rows, 1):
        found = value_at(row, text)
        content = "" if found is None else storable(str(found)).strip()
        name = "" if label is None else storable(class_in_cell(value_at(row, label)))
        if content and fields:
            values = {field: value_at(row, field) for field in fields}
            rows.fields.setdefault(content, values_of(values, fields))
        if content and name:
            rows.labelled.append((content, name))
        elif content:
            rows.waiting.append(Waiting(number, content))
        else:
            empty += 1
    if empty:
        rows.dropped["without a text"] = empty
    return rows


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(name[:40] for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _look_at_letters(decoded: Decoded) -> str:
    """With an example: only a person can tell whether the guess was right."""
    words = (word for line in decoded.text.splitlines() for word in line.split() if not word.isascii())
    example = next(words, "")[:40]
    return (
        f"the file does not say its encoding; it is read as {decoded.encoding}, such as {example!r}: "
        "if that looks wrong, save it as UTF-8"
    )
