"""What was read of a file is said in a few lines before minutes are spent on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import AtlasError
from backend.labelled.echo import what_was_read
from backend.labelled.field_values import check_there, named_by, values_of_items
from backend.labelled.load import LabelledTexts, in_words
from backend.labelled.things import IMAGES, TEXTS, Things

FILE = Path("folder/mine.csv")


def texts(
    *labels: str, things: Things = TEXTS, duplicates: int = 0, dropped: dict[str, int] | None = None
) -> LabelledTexts:
    rows = [(f"text {number}", label) for number, label in enumerate(labels)]
    return LabelledTexts(rows, duplicates, "columns a and b", "CSV", dropped or {}, things=things)


def test_rows_columns_and_classes_are_said_the_most_frequent_first() -> None:
    assert what_was_read(FILE, texts("x", "y", "y")) == [
        "Read mine.csv: 3 texts of 2 classes (columns a and b; CSV)",
        "  classes: y 2, x 1",
    ]


@pytest.mark.parametrize(
    ("things", "duplicates", "dropped", "said"),
    [
        (TEXTS, 0, {"without a text": 1}, "1 row without a text"),
        (TEXTS, 0, {"without a text": 1_200}, "1,200 rows without a text"),
        (TEXTS, 1, {}, "1 row that repeated a text"),
        (TEXTS, 2, {"without a label": 3}, "3 rows without a label; 2 rows that repeated a text"),
        (IMAGES, 5, {}, "5 images that repeated an image"),
    ],
)
def test_what_was_left_out_is_counted_with_the_reason(
    things: Things, duplicates: int, dropped: dict[str, int], said: str
) -> None:
    lines = what_was_read(FILE, texts("x", "y", things=things, duplicates=duplicates, dropped=dropped))
    assert lines[2:] == [f"  left out: {said}"]


def test_of_thousands_of_classes_the_most_frequent_twelve_are_named() -> None:
    labels = [f"class {number}" for number in range(5_000)] + ["often"] * 7
    line = what_was_read(FILE, texts(*labels))[1]
    assert line.startswith("  classes: often 7, class ")
    assert line.endswith(" and 4989 more")
    assert line.count(",") == 11


def test_twelve_classes_are_all_of_them() -> None:
    assert "more" not in what_was_read(FILE, texts(*map(str, range(12))))[1]
    assert what_was_read(FILE, texts(*map(str, range(13))))[1].endswith(" and 1 more")


def test_a_name_of_a_thousand_letters_is_cut_and_warnings_are_said() -> None:
    found = texts("x" * 1_000, "y")
    found.warnings.append("they look alike")
    lines = what_was_read(FILE, found)
    assert f"{'x' * 40} 1" in lines[1]
    assert "x" * 41 not in lines[1]
    assert lines[-1] == "  Warning: they look alike"


@pytest.mark.parametrize(
    ("strategies", "names"),
    [
        ([], ()),
        (["margin"], ()),
        (["margin by source"], ("source",)),
        (["margin by a and random by b", "entropy by a"], ("a", "b")),
    ],
)
def test_the_fields_that_strategies_name_are_kept_once(strategies: list[str], names: tuple[str, ...]) -> None:
    assert named_by(strategies) == names


def test_a_field_that_one_item_has_is_there_and_one_that_none_has_is_asked_for() -> None:
    fields = {"one": {"source": "a"}, "elsewhere": {"kind": "b"}}
    check_there(fields, ["source"], ["one", "two"], "row")
    check_there(fields, [], ["one"], "row")
    with pytest.raises(AtlasError, match=r"no row of it has a 'kind', .* or leave `by kind` out"):
        check_there(fields, ["source", "kind"], ["one", "two"], "row")


def test_values_come_in_the_order_of_the_items() -> None:
    fields = {"a": {"s": "1"}, "b": {"s": "2", "t": "3"}}
    assert values_of_items(fields, "margin", ["a"], ["b"]) is None
    assert values_of_items(fields, "margin by s and random by t", ["b", "c", "a"], ["a"]) == {
        "s": (["2", None, "1"], ["1"]),
        "t": (["3", None, None], [None]),
    }


def test_counts_are_said_in_words() -> None:
    assert in_words({}, TEXTS) == []
    assert in_words({"without a label": 1, "gone": 2}, IMAGES) == ["1 image without a label", "2 images gone"]


def test_what_stands_in_a_file_moves_no_cursor() -> None:
    found = texts("\x1b[2Jx", "\u202ey", dropped={"without\x07 a text": 2})
    found.warnings.append("like\r\nthis")
    lines = what_was_read(Path("a\x1b[2J.csv"), found)
    assert all(line.isprintable() for line in lines)
    assert "\\x1b[2Jx 1" in lines[1]
