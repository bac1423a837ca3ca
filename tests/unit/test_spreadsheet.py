"""No text in a CSV file of ours is a formula to a spreadsheet, and our own reader has it back."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import backend.spreadsheet
from backend.labelled.table import read_csv
from backend.results.collect import Result, Results
from backend.results.files import write
from backend.results.label_files import write_labels
from backend.results.labels import Labelled, Labels
from backend.spreadsheet import in_cell, write_rows
from backend.store.reason import UNKNOWN, Reason

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-inf", '=HYPERLINK("x")']
PLAIN = ["", "a=b", "'quoted'", "5", "-5", "+1.5e-3", "-.5", 7, -0.25, None, True]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_begins_as_a_formula_is_none(text: str) -> None:
    assert in_cell(text) == f"'{text}"
    written = io.StringIO(newline="")
    write_rows(written, [["text", "label"], [text, "a"], ["b", text]])
    table = read_csv(written.getvalue())
    assert table.rows == [{"text": text, "label": "a"}, {"text": "b", "label": text}]


@pytest.mark.parametrize("value", PLAIN)
def test_numbers_and_other_texts_stay_as_they_are(value: object) -> None:
    assert in_cell(value) is value


def _cells(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_files_of_predictions_and_of_labels_hold_no_formula(tmp_path: Path) -> None:
    formula, labels = FORMULAS[0], {"=label": ["@b"]}
    write(
        Results(1, "atlas-000001", ["=label"], iter([Result(1, formula, True, labels, {}, [])]), 1),
        tmp_path / "predictions.csv",
    )
    write_labels(
        Labels(["=label"], [Labelled(1, formula, labels, Reason(UNKNOWN))], 0), tmp_path / "labels.csv"
    )
    for name, label in (("predictions.csv", 4), ("labels.csv", 2)):
        header, row = _cells(tmp_path / name)
        assert (header[label], row[1], row[label]) == ("'=label", "'=1+1", "'@b")


def test_csv_is_written_in_one_place() -> None:
    """Curves of simulations hold names of ours and numbers."""
    package = Path(backend.spreadsheet.__file__).parent
    writing = {
        path.relative_to(package).parts[0]
        for path in package.rglob("*.py")
        if "csv.writer(" in (source := path.read_text(encoding="utf-8")) or "DictWriter(" in source
    }
    assert writing == {"simulate", "spreadsheet.py"}
