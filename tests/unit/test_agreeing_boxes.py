"""Several annotators' boxes become those that most of them drew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.controls.agreeing_boxes import Drawn, agreed
from tests.unit.whatever import FEW

NEAR = [((0.0, 0.0, 10.0, 10.0), "car"), ((2.0, 0.0, 10.0, 10.0), "car"), ((1.0, 0.0, 10.0, 10.0), "car")]
FAR: Drawn = ((50.0, 50.0, 20.0, 20.0), "car")


def test_one_object_is_where_its_annotators_put_it_on_average() -> None:
    (found,) = agreed([([each], 1.0) for each in NEAR])
    assert found[0] == pytest.approx((1, 0, 10, 10))
    assert found[1] == "car"


def test_whose_word_weighs_more_moves_the_box() -> None:
    ((place, label),) = agreed([([NEAR[0]], 3.0), ([NEAR[1]], 1.0)])
    assert place == pytest.approx((0.5, 0, 10, 10))
    assert label == "car"


@pytest.mark.parametrize(
    ("weights", "known"),
    [([1.0, 1.0, 1.0], False), ([3.0, 1.0, 1.0], True), ([2.0, 1.0, 1.0], False), ([0.0, 0.0, 0.0], False)],
)
def test_what_half_of_the_weight_or_less_drew_is_not_known(weights: list[float], known: bool) -> None:
    votes: list[tuple[list[Drawn], float]] = [([FAR], weights[0]), ([], weights[1]), ([], weights[2])]
    assert list(agreed(votes)) == [(pytest.approx(FAR[0]), "car" if known else None)]


def test_another_label_in_the_same_place_is_another_object() -> None:
    votes = [([(FAR[0], label)], 1.0) for label in ("car", "van", "car")]
    assert sorted(str(label) for _, label in agreed(votes)) == ["None", "car"]


def test_two_boxes_of_one_annotator_are_two_objects_however_near() -> None:
    """The other annotator's box goes with the nearer of them."""
    found = list(agreed([([NEAR[0], NEAR[1]], 1.0), ([NEAR[1]], 1.0)]))
    assert len(found) == 2
    assert found[0] == (pytest.approx(NEAR[1][0]), "car")
    assert found[1] == (pytest.approx(NEAR[0][0]), None)


def test_what_nobody_drew_is_nothing() -> None:
    assert list(agreed([])) == list(agreed([([], 1.0), ([], 1.0)])) == []


BOXES = st.lists(
    st.tuples(
        st.tuples(*[st.integers(0, 30).map(float)] * 2, *[st.integers(1, 30).map(float)] * 2),
        st.sampled_from(["car", "van", None]),
    ),
    max_size=4,
    unique=True,
)


@FEW
@given(st.lists(BOXES, max_size=4))
def test_each_box_that_was_drawn_is_in_one_object(votes: list[list[Drawn]]) -> None:
    found = list(agreed([(boxes, 1.0) for boxes in votes]))
    drawn = sum(map(len, votes))
    assert max(map(len, votes), default=0) <= len(found) <= drawn
    for (x, y, width, height), _ in found:
        assert min(x, y) >= 0
        assert min(width, height) >= 1 - 1e-9


@FEW
@given(BOXES, st.integers(1, 4))
def test_those_who_draw_the_same_settle_on_it(boxes: list[Drawn], count: int) -> None:
    apart = {label: place for place, label in boxes}  # one box of a label: none meets another
    same: list[Drawn] = [(place, label) for label, place in apart.items()]
    found = {label: place for place, label in agreed([(same, 1.0)] * count)}
    assert found == {label: pytest.approx(place) for label, place in apart.items()}
