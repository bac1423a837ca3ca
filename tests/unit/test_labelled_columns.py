"""Which column holds the text and which the label: found, or asked for with the words to type."""

from __future__ import annotations

from typing import Any

import pytest

from backend.errors import AtlasError
from backend.labelled.columns import choose_columns, text_column, value_at
from backend.labelled.table import Table, table_of_objects

CSV = "separated by commas"
WHO = {"annotation_id": 1, "annotator": 2, "created_at": "", "updated_at": "", "lead_time": 3}


def csv_table(*rows: dict[str, Any], columns: list[str] | None = None) -> Table:
    return Table(columns if columns is not None else list(rows[0]), list(rows), CSV)


def json_table(*rows: dict[str, Any]) -> Table:
    return table_of_objects(list(rows), "JSON")


FOUND: list[tuple[str, Table, str | None, str | None, tuple[str, str]]] = [
    ("our own names", csv_table({"text": "a", "label": "x"}), None, None, ("text", "label")),
    ("capitals", csv_table({"Text": "a", "LABEL": "x"}), None, None, ("Text", "LABEL")),
    ("spaces", csv_table({" text ": "a", "label ": "x"}), None, None, (" text ", "label ")),
    ("an image's address", csv_table({"image": "a", "label": "x"}), None, None, ("image", "label")),
    ("text and image", csv_table({"image": "a", "text": "b", "label": "x"}), None, None, ("text", "label")),
    ("named", csv_table({"a": "a", "b": "x"}), "a", "b", ("a", "b")),
    ("named in capitals", csv_table({"Body": "a", "Kind": "x"}), "body", "kind", ("Body", "Kind")),
    ("the text named", csv_table({"text": "t", "a": "a", "label": "x"}), "a", None, ("a", "label")),
    ("the label named", csv_table({"text": "t", "label": "a", "b": "x"}), None, "b", ("text", "b")),
    ("a path", json_table({"item": {"body": "a"}, "label": "x"}), "item.body", None, ("item.body", "label")),
    ("a deep path", json_table({"a": {"b": {"c": 1}}, "l": {"m": 1}}), "a.b.c", "l.m", ("a.b.c", "l.m")),
    ("a dot in a name", csv_table({"a.b": "a", "label": "x"}), "a.b", None, ("a.b", "label")),
    ("JSON-MIN", json_table({"body": "a", "id": 1, "mood": "x", **WHO}), None, None, ("body", "mood")),
    ("JSON-MIN with agreement", json_table({"body": "a", "id": 1, "mood": "x", "agreement": 1.0, **WHO}),
     None, None, ("body", "mood")),
    ("JSON-MIN of two fields", json_table({"p": 1, "q": 2, "id": 1, "mood": "x", **WHO}), "q", None,
     ("q", "mood")),
    ("JSON-MIN of two controls", json_table({"p": 1, "id": 1, "m": "x", "n": "y", **WHO}), None, "n",
     ("p", "n")),
    ("a sorted export", csv_table({**WHO, "body": "a", "id": 1, "label": "x"}), None, None,
     ("body", "label")),
    ("a sorted export, text known", csv_table({**WHO, "id": 1, "mood": "x", "text": "a"}), None, None,
     ("text", "mood")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "text_field", "control", "columns"), [row[1:] for row in FOUND], ids=[row[0] for row in FOUND]
)
def test_the_columns_are_found(
    table: Table, text_field: str | None, control: str | None, columns: tuple[str, str]
) -> None:
    assert choose_columns(table, text_field, control) == columns


REFUSED: list[tuple[str, Table, str | None, str | None, str]] = [
    ("other names", csv_table({"id": "1", "a": "a long text", "b": "x"}, {"id": "2", "a": "more", "b": "x"}),
     None, None, "it has the columns id, a, b; say which hold the text and the label, such as: "
     "--text-field a --control id"),
    ("the fewest values are the label", csv_table(*({"n": str(i), "body": f"text {i}", "kind": str(i % 2)}
     for i in range(6))), None, None, "--text-field body --control kind"),
    ("a name with spaces is quoted", csv_table({"the body": "a text", "kind": "x"}, {"the body": "b",
     "kind": "y"}), None, None, '--text-field "the body" --control kind'),
    ("one column", csv_table({"text": "a"}), None, None,
     "its only column is text; each row needs a text and a label, under the header text,label"),
    ("one field", json_table({"text": "a"}), None, None,
     'its only field is text; each object needs a text and a label, as {"text": ..., "label": ...}'),
    ("no header, a long first row", csv_table({"x" * 61: "a", "b": "c"}), None, None,
     "it seems to have no header line"),
    ("no header, a value that returns", csv_table({"ham": "a", "yes": "x"}, {"ham": "ham", "yes": "y"}),
     None, None, 'the first is "ham, yes". Put text,label above it'),
    ("a wrong --text-field", csv_table({"text": "a", "label": "x"}), "body", None,
     "it has the columns text, label; say which hold the text and the label"),
    ("two alike", csv_table({"LABEL": "a", "Label ": "x", "text": "t"}), None, None, "--text-field text"),
    ("two fields before the id", json_table({"p": 1, "q": 22, "id": 1, "mood": "x", **WHO}), None, None,
     "it has the fields p, q, id, mood"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "text_field", "control", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_choice_that_is_left_is_asked_for_with_what_to_type(
    table: Table, text_field: str | None, control: str | None, said: str
) -> None:
    with pytest.raises(AtlasError) as refused:
        choose_columns(table, text_field, control)
    assert said in str(refused.value)


def test_a_refusal_stays_short_whatever_the_names_are() -> None:
    names = {f"column {number} {'x' * 40}": "a" for number in range(500)}
    with pytest.raises(AtlasError) as refused:
        choose_columns(csv_table(names, names), None, None)
    assert len(str(refused.value)) < 600


def test_a_field_is_looked_for_in_the_first_hundred_rows() -> None:
    late = [{"a": 1}] * 100 + [{"text": "t"}]
    assert choose_columns(json_table(*late, {"label": "x"}), None, None) == ("text", "label")
    nested: list[dict[str, Any]] = [{"label": "x", "item": {}}] * 99
    assert choose_columns(json_table(*nested, {"item": {"t": 1}}), "item.t", None) == ("item.t", "label")
    with pytest.raises(AtlasError):
        choose_columns(json_table(*nested, {}, {"item": {"t": 1}}), "item.t", None)


UNLABELLED: list[tuple[str, Table, str | None, str | None, str | None]] = [
    ("labels are there", csv_table({"text": "a", "label": "x"}), None, None, None),
    ("the named control is there", csv_table({"text": "a", "kind": "x"}), None, "kind", None),
    ("an export", json_table({"body": "a", "id": 1, **WHO}), None, None, None),
    ("text", csv_table({"text": "a", "id": "1"}), None, None, "text"),
    ("image", csv_table({"image": "a", "id": "1"}), None, None, "image"),
    ("the only one", csv_table({"body": "a"}), None, None, "body"),
    ("named", csv_table({"a": "a", "b": "b"}), "b", None, "b"),
]


@pytest.mark.parametrize(
    ("table", "text_field", "control", "column"),
    [row[1:] for row in UNLABELLED],
    ids=[row[0] for row in UNLABELLED],
)
def test_of_texts_without_labels_the_texts_are_found(
    table: Table, text_field: str | None, control: str | None, column: str | None
) -> None:
    assert text_column(table, text_field, control) == column


@pytest.mark.parametrize(
    ("table", "text_field", "said"),
    [
        (csv_table({"a": "1", "b": "2"}), None, "say which hold the text and the label"),
        (csv_table({"a": "1"}), "body", "its only column is a"),
        (csv_table({"y" * 70: "a"}), None, "it seems to have no header line"),
    ],
)
def test_of_texts_without_labels_a_missing_column_is_asked_for(
    table: Table, text_field: str | None, said: str
) -> None:
    with pytest.raises(AtlasError, match=said):
        text_column(table, text_field, None)


@pytest.mark.parametrize(
    ("row", "name", "value"),
    [
        ({"a": 1}, "a", 1),
        ({"a": {"b": 2}}, "a.b", 2),
        ({"a.b": 3, "a": {"b": 2}}, "a.b", 3),
        ({"a": 1}, "b", None),
        ({"a": 1}, "a.b", None),
        ({"a": [1]}, "a.0", None),
        ({"a": None}, "a.b.c", None),
        ({"": 1}, "", 1),
    ],
)
def test_a_value_is_found_by_its_name_or_its_path(row: dict[str, Any], name: str, value: Any) -> None:
    assert value_at(row, name) == value
