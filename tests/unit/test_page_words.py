"""Sentences of a project's page that a newcomer has to understand: why a task is first, who disagrees."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from backend.pages.rendering import fragment
from backend.pages.section import ProjectPage
from backend.pages.sections import who
from backend.pages.why_first import why_first
from backend.store.reason import AUDIT, COPY, LATE, PICKED, WANTED, Reason


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (Reason(WANTED), "Somebody wants it labelled next."),
        (Reason(AUDIT), "Drawn at random, to measure how often the model is right."),
        (Reason(PICKED, "random", doubt=0.9), "Drawn at random."),
        (Reason(PICKED, "auto", doubt=0.9), "The model is torn between two answers."),
        (
            Reason(PICKED, "auto", doubt=0.6, p_wrong=0.6, p_application=0.7),
            "The model hesitates between two answers, its guess is probably wrong, and little like it "
            "is labelled yet.",
        ),
        (Reason(LATE, "auto", p_wrong=0.3), "Came after the last retrain. Its guess may be wrong."),
        (
            Reason(PICKED, "auto", doubt=0.3, p_wrong=0.1, p_application=0.5, cluster=2),
            "The model is not quite sure of it.",
        ),
        (
            Reason(PICKED, "auto", doubt=0.1, p_wrong=0.1, p_application=0.5),
            "The model is fairly sure of it, and less so of some tasks like it.",
        ),
        (
            Reason(PICKED, "cold_start"),
            "There is no model to ask yet: it is typical of many tasks that wait.",
        ),
        (Reason(COPY), "Of the same content as another task, and so behind all others."),
    ],
)
def test_why_a_task_is_first_is_a_plain_sentence(reason: Reason, said: str) -> None:
    assert why_first(reason) == said


def test_the_first_of_those_that_cover_what_is_in_doubt_says_so_and_others_what_they_add() -> None:
    picked = Reason(PICKED, "auto", doubt=0.3)
    assert "more of what is in doubt than any other task" in why_first(picked, leads=True)
    assert "most of what the tasks chosen before it leave in doubt" in why_first(picked, leads=False)
    assert why_first(Reason(PICKED, "cold_start"), leads=True) == why_first(Reason(PICKED, "cold_start"))
    assert "in doubt" not in why_first(Reason(AUDIT, doubt=0.3), leads=True)


def told(*people: tuple[str, int, float | None], pairs: Mapping[str, tuple[int, float]] | None = None) -> str:
    """What the section says of people: each one's number, shared answers and agreement. pairs: of two of
    them, by both their numbers."""
    annotators = [
        {"who": each, "tasks": 20, "days": {}, "shared": shared, "agreement": agreement}
        for each, shared, agreement in people
    ]
    compared = [
        {"one": both[0], "other": both[1], "shared": shared, "agreement": agreement}
        for both, (shared, agreement) in (pairs or {}).items()
    ]
    told_of = {"annotators": annotators, "pairs": compared}
    study = {"at": "2026-11-27T20:00:00+00:00", "people": told_of}
    page = SimpleNamespace(study=study, named=lambda number: f"Ann{number}", visitor=None, id=1)
    found = who.context(cast(ProjectPage, page))
    return " ".join(fragment("sections/who.html", page=page, seal="", **cast(dict[str, Any], found)).split())


def test_who_disagrees_most_is_named_in_a_sentence() -> None:
    people = (("1", 20, 0.7), ("2", 20, 0.5), ("3", 20, 0.65))
    clear = told(*people, pairs={"12": (10, 0.5), "23": (10, 0.5), "13": (10, 0.9)})
    assert "<bdi>Ann2</bdi></strong> disagrees most with the others: in 50 % of 20 comparisons" in clear
    assert "clearly more than the others do among themselves (10 %)" in clear
    near = told(*people, pairs={"12": (10, 0.5), "23": (10, 0.5), "13": (10, 0.55)})
    assert "hardly more than the others do among themselves (45 %)" in near
    assert "clearly" not in near
    apart = told(*people, pairs={"12": (10, 0.5), "23": (10, 0.5)})
    assert "The others share no task, so it may as well be them." in apart


def test_who_agrees_least_stands_first_and_who_cannot_be_compared_last() -> None:
    text = told(("1", 20, 0.8), ("2", 0, None), ("3", 20, 0.5))
    places = [text.index(f'<th scope="row"><bdi>Ann{number}') for number in (3, 1, 2)]
    assert places == sorted(places)


def test_of_two_who_disagree_neither_is_blamed() -> None:
    text = told(("1", 10, 0.8), ("2", 10, 0.8))
    assert "Ann1</bdi></strong> and <strong><bdi>Ann2</bdi></strong> disagree on 20 %" in text
    assert "Nobody disagrees" in told(("1", 10, 1.0), ("2", 10, 1.0))
    assert "isagree" not in told(("1", 0, None))
