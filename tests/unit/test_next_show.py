"""What `next` prints: a table that moves no cursor, CSV without formulas, JSON as the file has it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from backend.labelled import PartlyLabelled
from backend.labelled.rows import Rows, Waiting
from backend.labelled.things import IMAGES, TEXTS, Things
from backend.next.choose import LIKELIEST, Choice, Chosen
from backend.next.run import _what_to_know, _what_was_read
from backend.next.show import SHOWN, WHY, WRITERS
from backend.store.reason import PICKED, Reason

NASTY = ["\x1b[2Jred", "\u202eabc", "a\r\nb", "[bold]x[/bold]", "=1+1", "<b>x</b>", "\x07"]


def choice(text: str, probabilities: dict[str, float] | None = None, **why: float) -> Choice:
    reason = Reason(PICKED, "margin", place=1, of=9, round=0, cluster=2, **why)  # type: ignore[arg-type]
    return Choice(4, text, probabilities or {}, reason, 1_234)


def texts(
    labelled: int = 3, classes: int = 2, places: str = "row", things: Things = TEXTS, repeats: int = 0
) -> PartlyLabelled:
    given = [(f"t{i}", f"c{i % max(classes, 1)}") for i in range(labelled)]
    rows = Rows(given, [Waiting(4, "x")], "columns a", "CSV", places, things=things)
    return PartlyLabelled(rows.labelled, rows.waiting, repeats, [(Path("mine.csv"), rows)])


def shown(form: str, *choices: Choice, of: PartlyLabelled | None = None) -> str:
    out = io.StringIO()
    WRITERS[form](of or texts(), Chosen(list(choices), "margin", 0.75, 2, ["a note"]), out)
    return out.getvalue()


@pytest.mark.parametrize("nasty", NASTY, ids=ascii)
def test_a_table_moves_no_cursor_and_takes_nothing_for_markup(nasty: str) -> None:
    table = shown("table", choice(f"text {nasty}", {f"label {nasty}": 0.5}))
    assert all(char.isprintable() or char == "\n" for char in table)
    if nasty.isprintable():
        assert nasty in table


@pytest.mark.parametrize("nasty", NASTY, ids=ascii)
def test_csv_and_json_hold_what_the_file_holds(nasty: str) -> None:
    one = choice(nasty, {nasty: 0.5})
    (row,) = csv.DictReader(io.StringIO(shown("csv", one), newline=""))
    assert row["text"].removeprefix("'") == nasty
    assert row["text"][0] not in "=+-@"
    assert (row["label"], row["probability_1"], row["class_2"]) == ("", "0.5000", "")
    (told,) = json.loads(shown("json", one))["next"]
    assert (told["text"], told["probabilities"]) == (nasty, {nasty: 0.5})


def test_json_tells_what_it_was_chosen_by() -> None:
    told = json.loads(shown("json", choice("a", p_wrong=0.25, doubt=0.5)))
    assert {name: told[name] for name in ("strategy", "labelled", "waiting", "accuracy", "notes")} == {
        "strategy": "margin",
        "labelled": 3,
        "waiting": 1,
        "accuracy": 0.75,
        "notes": ["a note"],
    }
    assert list(told["next"][0]["why"]) == list(WHY)
    assert told["next"][0]["why"]["p_wrong"] == 0.25


def test_csv_has_a_place_for_as_many_classes_as_may_be_told() -> None:
    header = next(csv.reader(io.StringIO(shown("csv"))))
    assert header[:3] == ["row", "text", "label"]
    assert f"class_{LIKELIEST}" in header
    assert f"class_{LIKELIEST + 1}" not in header


def test_files_have_names_and_no_numbers() -> None:
    of = texts(places="file", things=IMAGES)
    assert next(csv.reader(io.StringIO(shown("csv", of=of))))[:2] == ["image", "label"]
    (told,) = json.loads(shown("json", choice("1.jpg"), of=of))["next"]
    assert "file" not in told
    assert told["image"] == "1.jpg"


def test_without_a_model_its_columns_are_left_out() -> None:
    assert "the model says" not in shown("table", choice("a"))
    assert "the model says" in shown("table", choice("a", {"x": 0.5}))
    with_doubt = shown("table", choice("a", doubt=0.5))
    assert "P(wrong)" in with_doubt
    assert "–" in with_doubt


@pytest.mark.parametrize("length", [SHOWN, SHOWN + 1, 10_000])
def test_a_long_text_is_cut_in_the_table_alone(length: int) -> None:
    table = shown("table", choice("q" * length))
    assert table.count("q") == min(length, SHOWN - 1 if length > SHOWN else SHOWN)
    assert "q" * length in shown("csv", choice("q" * length))


@pytest.mark.parametrize(
    ("labelled", "classes", "accuracy", "said"),
    [
        (0, 0, None, "0 labels of no class teach nothing yet: these texts are typical of those that wait"),
        (5, 1, None, "5 labels of one class teach nothing yet"),
        (1_200, 3, 0.756, "Learned from 1,200 labels of 3 classes; of labelled texts that it had not seen, "
         "the model tells 76% right."),
    ],
)  # fmt: skip
def test_what_was_learned_is_said(labelled: int, classes: int, accuracy: float | None, said: str) -> None:
    lines = _what_to_know(texts(labelled, classes), 0, accuracy, ["n"])
    assert lines[0].startswith(said)
    assert ("Note: n." in lines) == (accuracy is not None)


@pytest.mark.parametrize(
    ("repeats", "copies", "said"),
    [
        (0, 0, None),
        (1, 0, "1 text that repeats another was passed over."),
        (0, 1, "1 text that repeats another was passed over."),
        (2, 1_000, "1,002 texts that repeat others were passed over."),
    ],
)
def test_what_was_passed_over_is_counted(repeats: int, copies: int, said: str | None) -> None:
    last = _what_to_know(texts(repeats=repeats), copies, 0.5, [])[-1]
    assert last == said or (said is None and "passed over" not in last)


def test_what_was_read_moves_no_cursor() -> None:
    given = texts()
    rows = given.read[0][1]
    rows.warnings.append("like\x1b[2J this")
    rows.dropped["without a text\u202e"] = 1_000
    lines = _what_was_read(given)
    assert lines[0] == (
        "Read mine.csv: 3 labelled and 1 unlabelled texts (columns a; CSV); "
        "left out: 1,000 without a text\\u202e"
    )
    assert lines[1] == "  Warning: like\\x1b[2J this"
