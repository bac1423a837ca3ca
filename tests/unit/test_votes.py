"""From a task's annotations to votes, and from votes to one answer."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from backend.controls.votes import CLEAR, Vote, consensus, target_of, verdict, votes_of
from tests.unit.schemes import several, single
from tests.unit.whatever import WHATEVER, in_places_of

CONTROL = single("c", "a", "b")


def said(*labels: str) -> list[dict[str, Any]]:
    return [{"from_name": "c", "type": "choices", "value": {"choices": list(labels)}}]


def by(who: Any, label: str, **more: Any) -> dict[str, Any]:
    return {"completed_by": who, "result": said(label), **more}


@pytest.mark.parametrize(
    ("completed_by", "annotator"),
    [
        (3, "3"),
        ("ann@x.example", "ann@x.example"),
        ({"id": 3, "email": "ann@x.example"}, "3"),
        (None, "annotation 70"),
        ([3], "annotation 70"),
        ({}, "annotation 70"),
        ({"id": None}, "annotation 70"),
    ],
)
def test_who_said_it(completed_by: Any, annotator: str) -> None:
    (vote,) = votes_of([by(completed_by, "a", id=70)], CONTROL)
    assert vote == Vote(annotator, "a")


def test_imports_without_a_name_are_by_somebody_else_each() -> None:
    votes = votes_of([by(None, "a", id=1), by(None, "b", id=2)], CONTROL)
    assert len(votes) == 2


@pytest.mark.parametrize(
    ("created_at", "day"),
    [
        ("2026-11-27T10:00:00Z", "2026-11-27"),
        ("2026-11-27", ""),
        ("27.11.2026", ""),
        ("\u0662026-11-27T", ""),
        (20261127, ""),
        (None, ""),
    ],
)
def test_the_day_on_which_it_was_said(created_at: Any, day: str) -> None:
    assert votes_of([by(1, "a", created_at=created_at)], CONTROL)[0].day == day


def test_whatever_stands_in_an_annotation_is_a_vote_or_none() -> None:
    right = by(1, "a", ground_truth=True, updated_at="2026", created_at="2026-01-01T", was_cancelled=False)
    for annotation in in_places_of(right):
        for vote in votes_of([annotation, *WHATEVER], CONTROL):
            assert vote.label in ("a", "b")
            assert isinstance(vote.annotator, str)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_the_annotations_does_not_matter(order: tuple[int, ...]) -> None:
    every = [
        by(1, "a", updated_at="2026-01-01"),
        by(1, "b", updated_at="2026-01-03"),
        by(1, "a", updated_at="2026-01-02"),
    ]
    assert votes_of([every[i] for i in order], CONTROL) == (Vote("1", "b"),)


def test_ground_truths_are_all_there_is_where_there_are_any() -> None:
    every = [by(1, "a"), by(2, "b", ground_truth=True), by(3, "a", ground_truth=True), by(2, "a")]
    found = [(vote.annotator, vote.label, vote.truth) for vote in votes_of(every, CONTROL)]
    assert sorted(found) == [("2", "b", True), ("3", "a", True)]


def test_an_empty_annotation_is_a_vote_only_where_that_says_something() -> None:
    empty = [{"completed_by": 1, "result": []}]
    assert votes_of(empty, CONTROL) == ()
    assert votes_of(empty, several("c", ("a", "b"), blank=True)) == (Vote("1", "[]"),)


def test_the_answer_on_one_task_alone() -> None:
    assert target_of([by(1, "a"), by(2, "a"), by(3, "b")], CONTROL) == "a"
    assert target_of([by(1, "a"), by(2, "b")], CONTROL) is None
    assert target_of([], CONTROL) is None


def equal(one: str, other: str) -> float:
    return float(one == other)


def votes(*labels: str) -> list[Vote]:
    return [Vote(str(i), label) for i, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (["a"], "a"),
        (["a", "a"], "a"),
        (["a", "b"], None),
        (["a", "a", "b"], "a"),
        (["a", "a", "a", "b", "b"], "a"),  # three in five are just clear
        (["a", "a", "b", "b", "b", "a", "b"], None),  # four in seven are not
        (["a", "b", "c"], None),
    ],
)
def test_it_takes_three_in_five_of_the_weight(labels: list[str], found: str | None) -> None:
    assert CLEAR == 0.6
    assert verdict(votes(*labels), {}, equal) == found
    assert verdict(votes(*labels[::-1]), {}, equal) == found


def test_known_annotators_weigh_what_they_are_known_for_and_others_half() -> None:
    assert verdict(votes("a", "b"), {"0": 0.9}, equal) == "a"
    assert verdict(votes("a", "b"), {"0": 0.6}, equal) is None
    assert verdict(votes("a", "b"), {"0": 0.1}, equal) == "b"


def test_of_equally_good_answers_the_first_is_taken() -> None:
    def near(one: str, other: str) -> float:
        return 1.0 if one == other else 0.9

    assert verdict(votes("b", "a"), {}, near) == "b"
    assert verdict(votes("a", "b"), {}, near) == "a"


def test_who_went_with_the_majority_weighs_more_where_two_disagree() -> None:
    together = {i: votes("a", "a", "b") for i in range(10)}
    disputed = {99: [Vote("1", "a"), Vote("2", "b")], 98: [Vote("2", "b")], 97: []}
    found = consensus({**together, **disputed}, equal)
    assert found[99] == "a"
    assert found[98] == "b"  # alone one may weigh what one will
    assert 97 not in found


def test_what_votes_come_to_may_be_more_than_one_of_them() -> None:
    def settled(cast: Any, weights: Any) -> str:
        return "+".join(sorted(vote.label for vote in cast)) + f" {len(weights)}"

    assert consensus({1: votes("a", "b"), 2: votes("a", "a")}, equal, settled) == {1: "a+b 2", 2: "a+a 2"}
