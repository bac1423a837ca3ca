"""A file holds one idea: none of Python is longer than MOST_LINES."""

from __future__ import annotations

import pytest

from tests.unit.pages import ROOT

MOST_LINES = 300


@pytest.mark.parametrize("folder", ["backend", "tests", "benchmarks", "scripts"])
def test_no_file_is_too_long_to_hold_one_idea(folder: str) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    if folder == "scripts":  # have no ending
        files = [path for path in (ROOT / folder).iterdir() if path.is_file()]
    assert files
    lines = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in files}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}
