"""How alike two texts are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.controls.edit_distance import LONGEST, similarity
from tests.unit.whatever import FEW

TEXTS = st.text("abc ", max_size=9)


def distance(one: str, other: str) -> int:
    """By the definition."""
    if not one or not other:
        return len(one) + len(other)
    return min(
        distance(one[1:], other) + 1,
        distance(one, other[1:]) + 1,
        distance(one[1:], other[1:]) + (one[0] != other[0]),
    )


@FEW
@given(st.text("ab", max_size=4), st.text("ab", max_size=4))
def test_it_is_the_distance_over_the_longer_text(one: str, other: str) -> None:
    expected = 1 - distance(one, other) / max(len(one), len(other), 1)
    assert similarity(one, other) == pytest.approx(expected)


@FEW
@given(TEXTS, TEXTS)
def test_it_is_symmetric_and_whole_for_equal_texts_alone(one: str, other: str) -> None:
    assert similarity(one, other) == similarity(other, one)
    assert 0 <= similarity(one, other) <= 1
    assert (similarity(one, other) == 1) == (one == other)


@FEW
@given(TEXTS, TEXTS, TEXTS)
def test_a_detour_is_never_shorter(a: str, b: str, c: str) -> None:
    def edits(one: str, other: str) -> float:
        return (1 - similarity(one, other)) * max(len(one), len(other), 1)

    assert edits(a, c) <= edits(a, b) + edits(b, c) + 1e-9


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("", "", 1.0),
        ("", "abc", 0.0),
        ("e\u0301", "\xe9", 0.0),  # two letters and one
        ("\U0001f680ab", "\U0001f681ab", 2 / 3),  # a letter beyond 16 bits is one letter
        ("a" * LONGEST + "b", "a" * LONGEST + "c", 1 - 1 / LONGEST),
        ("a" * LONGEST + "b" * 5000, "a" * LONGEST, 1 - 1 / LONGEST),
    ],
)
def test_edges(one: str, other: str, expected: float) -> None:
    assert similarity(one, other) == pytest.approx(expected)
