"""Rows under named columns, whichever separator stands between them and whatever stands in them."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest

from backend.labelled.table import json_lines, read_csv, table_of_objects

Rows = list[dict[str, Any]]
TABLES: list[tuple[str, str, list[str], Rows, int]] = [
    # text, what separates, columns, rows, misshapen
    ("text,label\na,x\n", "commas", ["text", "label"], [{"text": "a", "label": "x"}], 0),
    ("text;label\na;x\n", "semicolons", ["text", "label"], [{"text": "a", "label": "x"}], 0),
    ("text\tlabel\na\tx\n", "tabs", ["text", "label"], [{"text": "a", "label": "x"}], 0),
    ("text|label\na|x\n", "bars", ["text", "label"], [{"text": "a", "label": "x"}], 0),
    # our own header wins over a separator that cuts more evenly
    ("text;label\na, b;x\nc, d;y\n", "semicolons", ["text", "label"], [
        {"text": "a, b", "label": "x"}, {"text": "c, d", "label": "y"}], 0),
    (" TEXT ;Label\na;x\n", "semicolons", ["TEXT", "Label"], [{"TEXT": "a", "Label": "x"}], 0),
    # without our header the separator that gives even rows does
    ("p;q\n1,5;x\n2,5;y\n", "semicolons", ["p", "q"], [{"p": "1,5", "q": "x"}, {"p": "2,5", "q": "y"}], 0),
    # one column has no separator at all
    ("text\na\nb\n", "commas", ["text"], [{"text": "a"}, {"text": "b"}], 0),
    ("text\na, b\nc\n", "commas", ["text"], [{"text": "c"}], 1),
    # quotes, line ends and separators within a cell
    ('text,label\n"a, ""b""\nc",x\n', "commas", ["text", "label"], [{"text": 'a, "b"\nc', "label": "x"}], 0),
    ("text,label\r\na,x\r\n", "commas", ["text", "label"], [{"text": "a", "label": "x"}], 0),
    # short rows keep what they have, rows of nothing are none, rows that are too long are counted
    ("text,label\na\n", "commas", ["text", "label"], [{"text": "a"}], 0),
    ("text,label\n,\n \t,  \n\na,x\n", "commas", ["text", "label"], [{"text": "a", "label": "x"}], 0),
    ("text,label\na,x,more\nb,y\n", "commas", ["text", "label"], [{"text": "b", "label": "y"}], 1),
    ("text,label\na,x,, \nb,y\n", "commas", ["text", "label"], [
        {"text": "a", "label": "x"}, {"text": "b", "label": "y"}], 0),
    # what a spreadsheet writes for itself, and what we write for it
    ("sep=|\r\ntext|label\r\na|x\r\n", "bars", ["text", "label"], [{"text": "a", "label": "x"}], 0),
    ("SEP=;\ntext;label\na;x\n", "semicolons", ["text", "label"], [{"text": "a", "label": "x"}], 0),
    ("'=text,label\n'=1+1,'@x\n", "commas", ["=text", "label"], [{"=text": "=1+1", "label": "@x"}], 0),
    # nothing
    ("", "commas", [], [], 0),
    ("text,label", "commas", ["text", "label"], [], 0),
    # two columns of one name: the last one is read
    ("a,a\n1,2\n", "commas", ["a", "a"], [{"a": "2"}], 0),
    # hostile characters stay what they are
    ("text,label\n\x1b[31mred,<b>x</b>\n", "commas", ["text", "label"], [
        {"text": "\x1b[31mred", "label": "<b>x</b>"}], 0),
    ("text,label\n\u202eabc,\ud800\n", "commas", ["text", "label"], [
        {"text": "\u202eabc", "label": "\ud800"}], 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "separator", "columns", "rows", "misshapen"), TABLES, ids=[ascii(row[0])[:40] for row in TABLES]
)
def test_csv_is_read_by_what_separates_it(
    text: str, separator: str, columns: list[str], rows: Rows, misshapen: int
) -> None:
    table = read_csv(text)
    assert table.form == f"separated by {separator}"
    assert (table.columns, table.rows, table.misshapen) == (columns, rows, misshapen)
    assert table.cells == "column"


def test_a_cell_may_be_longer_than_pythons_own_bound() -> None:
    csv.field_size_limit(131_072)
    long = "x" * 200_000
    assert read_csv(f"text,label\n{long},a\n").rows == [{"text": long, "label": "a"}]


def test_the_separator_is_found_by_the_first_rows_alone() -> None:
    """What follows a hundred rows changes nothing: a file of a million is looked at once."""
    text = "p;q\n" + "1;x\n" * 100 + "a,b,c,d\n" * 400
    table = read_csv(text)
    assert table.form == "separated by semicolons"
    assert len(table.rows) == 500


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("\n \n", []),
        ('{"a": 1}', [{"a": 1}]),
        ('{"a": 1}\n\n  \n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ("1\n[2]\nnull", [1, [2], None]),
        ('{"a": "\\ud800"}', [{"a": "\ud800"}]),
    ],
)
def test_json_lines_hold_a_value_each(text: str, values: list[Any]) -> None:
    assert json_lines(text) == values


@pytest.mark.parametrize("text", ["{", '{"a": 1} {"b": 2}', "a,b", f'{{"a": {"9" * 5_000}}}'])
def test_what_is_no_json_in_lines_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        json_lines(text)


def test_columns_of_objects_are_all_their_names_in_the_order_they_come() -> None:
    table = table_of_objects([{"b": 1}, {"a": 2, "b": 3}, {}], "JSON")
    assert table.columns == ["b", "a"]
    assert table.rows == [{"b": 1}, {"a": 2, "b": 3}, {}]
    assert (table.cells, table.misshapen, json.dumps(table.form)) == ("field", 0, '"JSON"')
