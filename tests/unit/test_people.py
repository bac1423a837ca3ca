"""Who labelled how much, and how far annotators agree."""

from __future__ import annotations

import pytest

from backend.controls.votes import Vote
from backend.jobs import people
from backend.jobs.people import DISPUTED, MOST_CHARACTERS, people_told
from tests.unit.schemes import several, single

CONTROL = single("c", "a", "b")
VOTES = {
    1: [Vote("ann", "a", day="2026-01-02"), Vote("bob", "a", day="2026-01-02")],
    2: [Vote("bob", "b", day="2026-01-03"), Vote("ann", "a", day="2026-01-02")],
    3: [Vote("ann", "b")],
    4: [Vote("ann", "b", day="2026-01-01"), Vote("bob", "b"), Vote("cyd", "a")],
}


def test_everybodys_tasks_are_counted_by_day_the_most_busy_first() -> None:
    annotators = people_told(CONTROL, VOTES, {})["annotators"]
    assert [(each["who"], each["tasks"]) for each in annotators] == [("ann", 4), ("bob", 3), ("cyd", 1)]
    assert list(annotators[0]["days"].items()) == [("", 1), ("2026-01-01", 1), ("2026-01-02", 2)]


def test_agreement_is_the_mean_over_votes_on_the_same_tasks() -> None:
    told = people_told(CONTROL, VOTES, {})
    of = {each["who"]: (each["shared"], each["agreement"]) for each in told["annotators"]}
    assert of == {"ann": (4, 0.5), "bob": (4, 0.5), "cyd": (2, 0.0)}
    assert told["pairs"] == [
        {"one": "ann", "other": "bob", "shared": 3, "agreement": 0.6667},
        {"one": "ann", "other": "cyd", "shared": 1, "agreement": 0.0},
        {"one": "bob", "other": "cyd", "shared": 1, "agreement": 0.0},
    ]
    assert told["several"] == 3


def test_who_voted_alone_agrees_with_nobody() -> None:
    told = people_told(CONTROL, {3: VOTES[3]}, {})
    assert told["annotators"] == [{"who": "ann", "tasks": 1, "days": {"": 1}, "shared": 0, "agreement": None}]
    assert (told["pairs"], told["several"], told["disputed"]) == ([], 0, [])


def test_disputed_is_what_votes_agree_on_least_first() -> None:
    disputed = people_told(CONTROL, VOTES, {2: "t" * 900})["disputed"]
    assert [(each["task"], each["agreement"]) for each in disputed] == [(2, 0.0), (4, 0.3333)]
    assert disputed[0]["text"] == "t" * MOST_CHARACTERS
    assert disputed[0]["votes"] == [{"who": "bob", "said": "b"}, {"who": "ann", "said": "a"}]
    assert disputed[1]["text"] == ""


def test_an_empty_answer_is_said_in_words() -> None:
    blank = several("c", ("a", "b"), blank=True)
    (found,) = people_told(blank, {1: [Vote("ann", "[]"), Vote("bob", '["a", "b"]')]}, {})["disputed"]
    assert [each["said"] for each in found["votes"]] == ["nothing", "a, b"]


def test_what_agrees_well_enough_is_not_disputed(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = {i: [Vote("ann", "a"), Vote("bob", "a"), Vote("cyd", "b")] for i in range(3)}
    assert len(people_told(CONTROL, votes, {})["disputed"]) == 3
    monkeypatch.setattr(people, "DISPUTED", 1 / 3)
    assert people_told(CONTROL, votes, {})["disputed"] == []
    assert DISPUTED == 0.6


def test_of_very_many_tasks_the_last_are_compared_and_the_list_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(people, "MOST_COMPARED", 3)
    monkeypatch.setattr(people, "MOST_DISPUTED", 2)
    votes = {i: [Vote("ann", "a"), Vote("bob", "b")] for i in (9, 1, 5, 7)}
    told = people_told(CONTROL, votes, {})
    assert (told["several"], told["pairs"][0]["shared"]) == (4, 3)
    assert [each["task"] for each in told["disputed"]] == [5, 7]


def test_of_very_many_annotators_the_busiest_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "MOST_ANNOTATORS", 1)
    told = people_told(CONTROL, VOTES, {})
    assert [each["who"] for each in told["annotators"]] == ["ann"]
    assert [(each["one"], each["other"]) for each in told["pairs"]] == [("ann", "bob")]
