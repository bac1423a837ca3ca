"""Where a span is, as Label Studio says it and as answers do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.controls.sources import BETWEEN, PageText, Source, Text, Utterances
from backend.controls.span_places import PLACES
from tests.unit.whatever import FEW, WHATEVER, in_places_of

LETTERS = st.text(["a", "\xe9", "\u0301", "\N{ROCKET}", " ", "\n", "\u05d0"], max_size=12)
CONTENTS: dict[type[Source], st.SearchStrategy[str]] = {
    Text: LETTERS,
    PageText: LETTERS,
    Utterances: st.lists(LETTERS, min_size=1, max_size=4).map(BETWEEN.join),
}
each_source = pytest.mark.parametrize("kind", PLACES, ids=lambda kind: kind.__name__)


def test_each_source_whose_characters_are_counted_has_places() -> None:
    assert PLACES.keys() == CONTENTS.keys()


@each_source
@FEW
@given(data=st.data())
def test_a_place_is_read_as_it_was_written(kind: type[Source], data: st.DataObject) -> None:
    content = data.draw(CONTENTS[kind].filter(bool))
    start = data.draw(st.integers(0, len(content) - 1))
    end = data.draw(st.integers(start + 1, len(content)))
    places = PLACES[kind]
    assert places.read(places.write((start, end), content), content) == (start, end)


CONTENT = f"ab\N{ROCKET}d{BETWEEN}{BETWEEN}xyz"
"""Of three utterances: four characters in five UTF-16 units, none, three."""


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (("0", 0, "0", 2), (0, 2)),
        (("0", 2, "0", 4), (2, 3)),  # a character of two units
        (("0", 4, "0", 5), (3, 4)),
        (("0", 3, "0", 5), (2, 4)),  # within one: from its begin
        (("0", 4, "2", 1), (3, 7)),  # over all three
        (("2", 0, "2", 3), (6, 9)),
        ((2, 0, 2, 3), (6, 9)),  # numbers as numbers
        (("1", 0, "2", 1), (5, 7)),
        (("1", 0, "1", 0), None),  # nothing
        (("2", 0, "2", 4), None),  # beyond the utterance
        (("3", 0, "3", 1), None),
        (("-1", 0, "0", 1), None),
        (("2", 1, "0", 1), None),  # the end before the start
        (("\u0662", 0, "2", 1), None),  # a digit of another script
        (("1" * 12, 0, "2", 1), None),
        (("0", True, "0", 2), None),
        (("0", 0.0, "0", 2), None),
    ],
)
def test_utterances_are_numbered_and_their_units_counted(
    value: tuple[Any, Any, Any, Any], place: tuple[int, int] | None
) -> None:
    start, begin, end, stop = value
    told = {"start": start, "startOffset": begin, "end": end, "endOffset": stop}
    assert PLACES[Utterances].read(told, CONTENT) == place


@pytest.mark.parametrize(
    ("start", "end", "place"),
    [
        (0, 2, (0, 2)),
        (1, 99, (1, 4)),  # what of it is in the text
        (2, 2, None),
        (3, 1, None),
        (-1, 2, None),
        (4, 9, None),
        (True, 2, None),
        (0.0, 2, None),
        ("0", "2", None),
        (None, None, None),
        (10**400, 10**401, None),
    ],
)
def test_texts_and_pages_are_counted_in_code_points(
    start: Any, end: Any, place: tuple[int, int] | None
) -> None:
    text = "ab\N{ROCKET}d"
    assert PLACES[Text].read({"start": start, "end": end}, text) == place
    assert PLACES[PageText].read({"globalOffsets": {"start": start, "end": end}}, text) == place


def test_a_pages_paths_are_not_read() -> None:
    paths = {"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "startOffset": 0, "endOffset": 2}
    assert PLACES[PageText].read(paths, "abc") is None


@each_source
def test_whatever_a_region_says_it_is_somewhere_or_nowhere(kind: type[Source]) -> None:
    places = PLACES[kind]
    right = places.write((0, 3), CONTENT)
    for value in in_places_of(right):
        found = places.read(value, CONTENT) if isinstance(value, dict) else None
        assert found is None or 0 <= found[0] < found[1] <= len(CONTENT)
    assert all(places.read(right, "") is None for _ in WHATEVER[:1])
