"""Which column of a table holds the text, and which the label."""

from __future__ import annotations

import json
from typing import Any

from backend.errors import AtlasError
from backend.labelled.table import Table

EXPORTED = ("annotation_id", "annotator", "created_at", "updated_at", "lead_time")
"""Columns that Label Studio adds to the task's own and the controls' (CSV, JSON-MIN)."""
_LONG = 60
"""Characters of a name in a header that is none."""


def choose_columns(table: Table, text_field: str | None, control: str | None) -> tuple[str, str]:
    """The names of the columns with the text and with the label.

    text_field, control: the person's choice; else "text", or "image", and "label", in capitals or not, and of
    a Label Studio export whatever the one is beside the other.
    Raises AtlasError, naming what to do, where that leaves a choice.
    """
    text, label = _find_text(table, text_field), _find(table, control or "label")
    if set(EXPORTED) <= set(table.columns):
        before, after = _around_id(table)
        if label is None and control is None:
            label = _only(after, text)
        if text is None and text_field is None:
            text = _only(before, label)
    if text is not None and label is not None:
        return text, label
    raise AtlasError(_what_is_missing(table, text_field or text, control or label))


def text_column(table: Table, text_field: str | None, control: str | None) -> str | None:
    """The column with the text, of a table without any of labels; None where there seems to be one.

    It is the one chosen, or "text", or "image", or the only one there is. Raises AtlasError, naming what to
    do, where a column of that name is missing, or none of several is called so.
    """
    if _find(table, control or "label") is not None or set(EXPORTED) <= set(table.columns):
        return None
    text = _find_text(table, text_field)
    if text is None and text_field is None and len(table.columns) == 1 and not _has_no_header(table):
        text = table.columns[0]
    if text is None:
        raise AtlasError(_what_is_missing(table, text_field, None))
    return text


def value_at(row: dict[str, Any], name: str) -> Any:
    """By a column's name, or, of nested JSON, by its path: "item.title"."""
    if name in row:
        return row[name]
    value: Any = row
    for key in name.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _find_text(table: Table, wanted: str | None) -> str | None:
    if wanted is not None:
        return _find(table, wanted)
    return _find(table, "text") or _find(table, "image")


def _find(table: Table, name: str) -> str | None:
    if name in table.columns or any(value_at(row, name) is not None for row in table.rows[:100]):
        return name
    alike = [column for column in table.columns if column.strip().lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _around_id(table: Table) -> tuple[list[str], list[str]]:
    """Of an export the task's own columns and the controls'. JSON-MIN has the id between; CSV sorts them."""
    others = [name for name in table.columns if name not in (*EXPORTED, "id", "agreement")]
    if "id" not in table.columns or table.form.startswith("separated"):
        return others, others
    place = table.columns.index("id")
    before = [name for name in others if table.columns.index(name) < place]
    return before, [name for name in others if name not in before]


def _only(columns: list[str], other: str | None) -> str | None:
    left = [name for name in columns if name != other]
    return left[0] if len(left) == 1 else None


def _what_is_missing(table: Table, text: str | None, label: str | None) -> str:
    shown = ", ".join(name[:_LONG] for name in table.columns)
    if _has_no_header(table):
        return f'it seems to have no header line: the first is "{shown[:200]}". Put text,label above it'
    if len(table.columns) == 1 and table.cells == "field":
        needed = 'a text and a label, as {"text": ..., "label": ...}'
        return f"its only field is {shown}; each object needs {needed}"
    if len(table.columns) == 1:
        return (
            f"its only column is {shown}; each row needs a text and a label, under the header text,label "
            "(with commas, semicolons or tabs between)"
        )
    text = text if text in table.columns else _longest(table)
    label = label if label in table.columns else _most_repeated(table, text)
    return (
        f"it has the {table.cells}s {shown[:300]}; say which hold the text and the label, "
        f"such as: --text-field {_quoted(text)} --control {_quoted(label)}"
    )


def _has_no_header(table: Table) -> bool:
    """What stands there as names is too long for one, or is a value of its column, too."""
    return any(
        len(name) > _LONG or any(row.get(name) == name for row in table.rows)
        for name in table.columns
        if name
    )


def _longest(table: Table) -> str:
    return max(table.columns, key=lambda name: sum(len(str(row.get(name) or "")) for row in table.rows))


def _most_repeated(table: Table, text: str) -> str:
    """The column of the fewest different values, but more than one."""

    def different(name: str) -> tuple[bool, int]:
        count = len({str(row.get(name)) for row in table.rows})
        return count < 2, count

    return min((name for name in table.columns if name != text), key=different)


def _quoted(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name, ensure_ascii=False)
