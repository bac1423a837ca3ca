"""A file holds one idea: none of Python is longer than MOST_LINES. A function does one thing."""

from __future__ import annotations

import ast

import pytest

from tests.unit.pages import ROOT

MOST_LINES = 300
MOST_OF_A_FUNCTION = 40
"""Lines from its `def` to its end, with what it says of itself."""


@pytest.mark.parametrize("folder", ["backend", "tests", "benchmarks", "scripts"])
def test_no_file_is_too_long_to_hold_one_idea(folder: str) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    if folder == "scripts":  # have no ending
        files = [path for path in (ROOT / folder).iterdir() if path.is_file()]
    assert files
    lines = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in files}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_no_function_is_too_long_to_do_one_thing() -> None:
    lengths = {
        f"{path.relative_to(ROOT).as_posix()}: {each.name}": (each.end_lineno or 0) - each.lineno + 1
        for path in (ROOT / "backend").rglob("*.py")
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > MOST_OF_A_FUNCTION} == {}
