"""Whatever a cell, or a field of a row, holds becomes one class, or none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.labelled.labels import class_in_cell

CELLS: list[tuple[Any, str]] = [
    # words and numbers
    ("ham", "ham"),
    ("  ham\t", "ham"),
    ("", ""),
    (" \n ", ""),
    (None, ""),
    (0, "0"),
    (0.5, "0.5"),
    (-0.0, "-0.0"),
    (True, "true"),
    (False, "false"),
    ("None", "None"),
    # a text that only looks like JSON is a text
    ("[ham", "[ham"),
    ("{ham}", "{ham}"),
    ("[unclear] ham", "[unclear] ham"),
    ("]", "]"),
    ("[" * 100_000, "[" * 100_000),
    (f"[{'9' * 5_000}]", f"[{'9' * 5_000}]"),
    # lists of choices, as they are and as JSON in a cell
    (["b", "a"], "a + b"),
    (["a", "a"], "a"),
    (["a", " a ", "", "  "], "a"),
    ([1, 2], "1 + 2"),
    ('["b", "a"]', "a + b"),
    (" [1] ", "1"),
    ([], ""),
    ("[]", ""),
    ([""], ""),
    # a region, or regions, of Label Studio's exports
    ({"choices": ["x", "y"]}, "x + y"),
    ({"choices": []}, ""),
    ({"choices": "x"}, ""),
    ({"choices": None}, ""),
    ({"rating": 4}, ""),
    ({}, ""),
    ("{}", ""),
    ([{"choices": ["x"]}, {"choices": ["a"]}], "a + x"),
    ([{"choices": ["x"]}, "y"], "x + y"),
    ({"taxonomy": [["animal", "cat"], ["animal", "dog"]]}, "animal > cat + animal > dog"),
    ({"taxonomy": [["animal", 7]]}, "animal > 7"),
    ({"taxonomy": ["animal"]}, "animal"),
    ({"taxonomy": []}, ""),
    ({"taxonomy": {"a": 1}}, ""),
    ({"choices": ["x"], "taxonomy": [["a", "b"]]}, "a > b + x"),
]


@pytest.mark.parametrize(("cell", "name"), CELLS, ids=lambda value: repr(value)[:30])
def test_a_cell_is_one_class_or_none(cell: Any, name: str) -> None:
    assert class_in_cell(cell) == name


@pytest.mark.parametrize(
    "cell", [each for each, _ in CELLS if isinstance(each, list | dict)], ids=lambda cell: repr(cell)[:30]
)
def test_what_csv_holds_as_json_is_the_same_class(cell: Any) -> None:
    assert class_in_cell(json.dumps(cell)) == class_in_cell(cell)


@pytest.mark.parametrize("name", ["a > b", "a + b", "<b>x</b>", "‮abc", "=1+1", "a\x00b"])
def test_a_class_keeps_the_characters_it_was_written_with(name: str) -> None:
    """Escaping is for whoever shows it."""
    assert class_in_cell(name) == name
    assert class_in_cell([name]) == name
