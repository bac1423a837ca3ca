"""Which boxes of two lists mean the same object."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.controls.matching import Marked, Numbers, average_precision, matched, overlap, pairs
from tests.unit.whatever import FEW

Place = tuple[float, float, float, float]
SIDES = st.integers(0, 20).map(float)
PLACES = st.lists(st.tuples(SIDES, SIDES, SIDES, SIDES), max_size=5)


def rows(*places: Place) -> Numbers:
    return np.array(places, np.float64).reshape(-1, 4)


def marked(*places: Place, classes: list[int] | None = None, sure: list[float] | None = None) -> Marked:
    numbers = classes if classes is not None else [0] * len(places)
    return Marked(rows(*places), np.array(numbers, np.int64), np.array(sure or [1.0] * len(places)))


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (5, 0, 10, 10), 1 / 3),
        ((0, 0, 10, 10), (0, 5, 10, 5), 0.5),
        ((0, 0, 10, 10), (10, 0, 10, 10), 0.0),  # they touch
        ((0, 0, 10, 10), (30, 30, 1, 1), 0.0),
        ((2, 2, 2, 2), (0, 0, 10, 10), 0.04),  # within
        ((3, 3, 0, 4), (3, 3, 0, 4), 1.0),  # without an extent, the same
        ((3, 3, 0, 4), (3, 3, 0, 5), 0.0),
        ((3, 3, 0, 0), (0, 0, 10, 10), 0.0),
    ],
)
def test_an_overlap_is_what_both_cover_of_what_either_does(one: Place, other: Place, share: float) -> None:
    assert overlap(rows(one), rows(other))[0, 0] == pytest.approx(share)


@FEW
@given(PLACES, PLACES)
def test_overlaps_are_symmetric_shares(ours: list[Place], theirs: list[Place]) -> None:
    found = overlap(rows(*ours), rows(*theirs))
    assert found.shape == (len(ours), len(theirs))
    assert ((found >= 0) & (found <= 1)).all()
    assert found == pytest.approx(overlap(rows(*theirs), rows(*ours)).T)


def test_the_surest_takes_what_it_overlaps_most_and_each_is_taken_once() -> None:
    there = marked((0, 0, 10, 10), (1, 0, 10, 10))
    said = marked((1, 0, 10, 10), (0, 0, 10, 10), (0, 0, 10, 10), sure=[0.2, 0.9, 0.5])
    assert matched(said, there).tolist() == [-1, 0, 1]


def test_another_class_and_too_little_of_it_is_another_object() -> None:
    there = marked((0, 0, 10, 10), classes=[1])
    assert matched(marked((0, 0, 10, 10), classes=[0]), there).tolist() == [-1]
    half = marked((0, 5, 10, 5), classes=[1])
    assert matched(half, there).tolist() == [0]
    assert matched(half, there, at=0.51).tolist() == [-1]


def test_where_nothing_is_there_nothing_is_matched() -> None:
    nothing, one = marked(), marked((0, 0, 1, 1))
    assert matched(one, nothing).tolist() == [-1]
    assert matched(nothing, one).tolist() == []
    assert pairs(one, nothing) == pairs(nothing, nothing) == 0


def test_pairs_are_made_of_the_best_first() -> None:
    """Where the first box took what it overlaps alone, the second would be left without."""
    ours = marked((0, 0, 10, 10), (2, 0, 10, 10))
    theirs = marked((2, 0, 10, 10), (0, 0, 10, 10))
    assert pairs(ours, theirs) == 2
    assert pairs(ours, marked((1, 0, 10, 10))) == 1
    assert pairs(ours, theirs, at=1.01) == 0


@FEW
@given(PLACES, PLACES)
def test_as_many_pairs_whoever_is_named_first(ours: list[Place], theirs: list[Place]) -> None:
    one, other = marked(*ours), marked(*theirs)
    assert pairs(one, other) == pairs(other, one) <= min(len(ours), len(theirs))


def test_a_precise_detector_is_worth_all_and_a_class_nobody_drew_is_not_counted() -> None:
    there = [marked((0, 0, 10, 10), (50, 50, 10, 10), classes=[0, 2])]
    found = average_precision(there, there, 3)
    assert found[[0, 2]].tolist() == [1.0, 1.0]
    assert np.isnan(found[1])


def test_a_wrong_box_costs_what_surer_right_ones_have_not_won() -> None:
    there = [marked((0, 0, 10, 10)), marked((0, 0, 10, 10))]

    def worth(wrong: float) -> float:
        said = [marked((0, 0, 10, 10), (40, 40, 9, 9), sure=[0.8, wrong]), marked((0, 0, 10, 10), sure=[0.6])]
        return float(average_precision(said, there, 1)[0])

    assert worth(0.1) == 1.0  # behind all
    assert worth(0.7) == pytest.approx(0.5 + 0.5 * 2 / 3)  # between the two
    assert worth(0.9) == pytest.approx(2 / 3)  # before both
    assert worth(0.8) == pytest.approx(2 / 3)  # as sure as the first: counted at once


def test_what_was_never_found_bounds_the_precision() -> None:
    there = [marked((0, 0, 10, 10), (50, 50, 10, 10))]
    assert average_precision([marked((0, 0, 10, 10))], there, 1).tolist() == [0.5]
    assert average_precision([marked()], there, 1).tolist() == [0.0]
