"""Boxes as Label Studio stores them, and what annotators who draw them agree on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.controls import boxes
from backend.controls.boxes import Boxes, answer_of, boxes_in
from backend.controls.joined import source_of
from backend.controls.tags import read_tags
from backend.controls.votes import Vote

LABELS = '<Label value="Car"/><Label value="a dog" alias="Dog"/>'
IMAGE = '<Image name="image" value="$image"/>'


def control(xml: str = f'<RectangleLabels name="b" toName="image">{LABELS}</RectangleLabels>') -> Boxes:
    tags = read_tags(f"<View>{IMAGE}{xml}</View>")
    tag = next(each for each in tags.controls if Boxes.takes(each))
    return Boxes.parse(tag, source_of(tag, [tags.objects["image"]]))


def drawn(label: str = "Car", **value: Any) -> dict[str, Any]:
    place = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": [label]}
    told = {"id": "a", "from_name": "b", "to_name": "image", "type": "rectanglelabels"}
    return {**told, "original_width": 400, "original_height": 300, "value": {**place, **value}}


def read(*regions: dict[str, Any]) -> list[Any]:
    found = control().read(list(regions))
    assert found is not None
    return json.loads(found)


def test_a_box_is_where_it_was_drawn() -> None:
    assert read(drawn()) == [[10.0, 20.0, 30.0, 40.0, "Car"]]


def test_a_turned_box_is_the_upright_one_around_it_as_label_studio_draws_it() -> None:
    """Measured on the real one: it covers left 2.5 to right 34.15 percent."""
    turned = drawn(x=12.5, y=13.333, width=25, height=26.667, rotation=30)
    [[x, _, width, _, label]] = read(turned)
    assert (x, x + width, label) == (pytest.approx(2.5, abs=0.01), pytest.approx(34.15, abs=0.01), "Car")


def test_a_quarter_turn_swaps_the_sides_in_pixels() -> None:
    """400 x 300: a box of 40 x 30 pixels turned about (200, 150) hangs to the left of it, 30 x 40."""
    [[x, y, width, height, _]] = read(drawn(x=50, y=50, width=10, height=10, rotation=90))
    assert (x, y, width, height) == (42.5, 50.0, 7.5, pytest.approx(13.333))


def test_what_lies_beside_the_picture_is_cut_off() -> None:
    assert read(drawn(x=-5, y=90, width=10, height=20)) == [[0.0, 90.0, 5.0, 10.0, "Car"]]


def test_a_box_that_was_drawn_to_the_left_is_the_same_box() -> None:
    assert read(drawn(x=40, y=60, width=-30, height=-40)) == read(drawn())


@pytest.mark.parametrize(
    "value",
    [
        {"x": "12"},
        {"width": 0},
        {"x": 101, "y": 101},
        {"height": float("nan")},
        {"rotation": "a"},
        {"x": None},
    ],
)
def test_a_box_that_is_nowhere_says_nothing_and_the_others_are_read(value: dict[str, Any]) -> None:
    assert control().read([drawn(**value)]) is None
    assert read(drawn(**value), drawn("Dog")) == [[10.0, 20.0, 30.0, 40.0, "Dog"]]


def test_labels_are_read_by_their_alias_and_others_mark_a_place_of_which_nothing_is_known() -> None:
    assert read(drawn("Dog"), drawn("a dog", x=60)) == [
        [10.0, 20.0, 30.0, 40.0, "Dog"],
        [60.0, 20.0, 30.0, 40.0, None],
    ]


def test_the_same_box_twice_is_one_and_two_labels_are_two() -> None:
    assert len(read(drawn(), drawn())) == 1
    assert len(read(drawn(rectanglelabels=["Car", "Dog"]))) == 2


def test_a_rectangle_with_labels_is_two_results_of_one_id_both_ways() -> None:
    found = control(f'<Rectangle name="r" toName="image"/><Labels name="b" toName="image">{LABELS}</Labels>')
    regions = found.regions_of(answer_of(boxes_in('[[1, 2, 3, 4, "Car"]]')), [0.7], "")
    shape, label = regions
    assert (shape["from_name"], shape["type"], label["from_name"], label["type"]) == (
        *("r", "rectangle"),
        *("b", "labels"),
    )
    assert shape["id"] == label["id"]
    assert "labels" not in shape["value"]
    assert shape["value"].items() <= label["value"].items()
    assert found.read(regions) == '[[1.0, 2.0, 3.0, 4.0, "Car"]]'


def test_labels_alone_or_of_a_polygon_are_no_boxes() -> None:
    for beside in ("", '<Polygon name="p" toName="image"/>', '<Rectangle name="r" toName="other"/>'):
        tags = read_tags(f'<View>{IMAGE}{beside}<Labels name="b" toName="image">{LABELS}</Labels></View>')
        assert not any(Boxes.takes(tag) for tag in tags.controls)


def agreement(one: str, other: str) -> float:
    return control().agreement(one, other)


def test_boxes_agree_where_they_overlap_by_half_and_say_the_same() -> None:
    one = '[[10, 10, 20, 20, "Car"]]'
    assert agreement(one, '[[12, 12, 20, 20, "Car"]]') == 1
    assert agreement(one, '[[12, 12, 20, 20, "Dog"]]') == 0
    assert agreement(one, '[[20, 10, 20, 20, "Car"]]') == 0
    assert agreement(one, '[[12, 12, 20, 20, "Car"], [60, 60, 9, 9, "Car"]]') == pytest.approx(2 / 3)


def test_a_box_is_the_same_as_one_other_at_most() -> None:
    one = '[[10, 10, 20, 20, "Car"]]'
    assert agreement(one, '[[10, 10, 20, 20, "Car"], [11, 11, 20, 20, "Car"]]') == pytest.approx(2 / 3)


BOX = st.tuples(*[st.integers(0, 50)] * 2, *[st.integers(1, 50)] * 2, st.sampled_from(["Car", "Dog"]))
ANSWER = st.lists(BOX, max_size=6).map(lambda boxes: answer_of(boxes_in(json.dumps(boxes))))


@given(ANSWER, ANSWER)
def test_agreement_is_symmetric_whatever_overlaps(one: str, other: str) -> None:
    assert agreement(one, other) == agreement(other, one)
    assert agreement(one, one) == 1


def test_what_most_annotators_drew_is_kept_at_their_average_and_the_rest_is_not_known() -> None:
    votes = [
        Vote("1", '[[10, 10, 20, 20, "Car"], [60, 60, 20, 20, "Dog"]]'),
        Vote("2", '[[12, 10, 20, 20, "Car"]]'),
        Vote("3", '[[14, 10, 20, 20, "Car"]]'),
    ]
    found = control().settled(votes)
    assert found == '[[12.0, 10.0, 20.0, 20.0, "Car"], [60.0, 60.0, 20.0, 20.0, null]]'


def test_annotators_weigh_what_they_proved_worth() -> None:
    votes = [Vote("1", '[[10, 10, 20, 20, "Car"]]'), Vote("2", "[]")]
    assert control().settled(votes) is None
    assert control().settled(votes, {"1": 0.9, "2": 0.3}) == '[[10.0, 10.0, 20.0, 20.0, "Car"]]'


def test_two_who_see_nothing_settle_on_nothing() -> None:
    assert control().settled([Vote("1", "[]"), Vote("2", "[]")]) == "[]"


def test_of_boxes_without_end_the_first_are_read_and_very_many_are_not_averaged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(boxes, "MOST_BOXES", 20)
    found = control().read([drawn(x=i / 40, width=1) for i in range(1_000)])
    assert found is not None
    assert len(boxes_in(found)) == 20
    monkeypatch.setattr(boxes, "MOST_AVERAGED", 50)
    averaged: list[int] = []
    monkeypatch.setattr(boxes, "agreed", lambda cast: averaged.append(len(cast)) or iter(()))
    for annotators in (2, 3):
        votes = [Vote(str(who), found) for who in range(annotators)]
        assert control().settled(votes) == (found if annotators == 3 else None)
    assert averaged == [2]


def test_the_score_counts_surer_boxes_first() -> None:
    truth = ['[[10, 10, 20, 20, "Car"]]']
    said = ['[[10, 10, 20, 20, "Car"], [60, 60, 20, 20, "Car"]]']
    sure = [control().score(said, truth, [[high, low]])["map50"] for high, low in ((0.9, 0.1), (0.1, 0.9))]
    assert sure == [1.0, 0.5]
    assert control().score(said, truth) == {"map50": 0.5, "precision": 0.5, "recall": 1.0}


def test_average_precision_is_the_area_under_the_curve_by_hand() -> None:
    """Of three cars two are found, at places 1 and 3 of the list: 1/3 * 1 + 1/3 * 2/3."""
    truth = ['[[0, 0, 9, 9, "Car"], [20, 0, 9, 9, "Car"], [40, 0, 9, 9, "Car"]]']
    said = ['[[0, 0, 9, 9, "Car"], [20, 0, 9, 9, "Car"], [70, 0, 9, 9, "Car"]]']
    assert control().score(said, truth, [[0.9, 0.5, 0.7]])["map50"] == pytest.approx(1 / 3 + 2 / 9)


def test_a_class_that_nobody_drew_does_not_count_and_nothing_at_all_is_no_score() -> None:
    assert control().score(["[]"], ["[]"])["map50"] != control().score(["[]"], ["[]"])["map50"]
    assert control().score(['[[0, 0, 9, 9, "Dog"]]'], ['[[50, 50, 9, 9, "Car"]]'])["map50"] == 0
