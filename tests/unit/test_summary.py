"""The log's line about a retrain."""

from __future__ import annotations

from typing import Any

import pytest

from backend.jobs.summary import in_words

PUBLISHED: dict[str, Any] = {
    "published": True,
    "model_version": "atlas-000005",
    "head": 200,
    "waiting": 787,
    "trained_on": 13,
    "labels": {"disaster": 3, "other": 10},
    "strategy": "auto",
    "notes": [],
    "accuracy": 0.923,
    "seconds": {"pull": 1.5, "train": 0.52},
}


def test_a_retrain_is_told_in_a_sentence() -> None:
    assert in_words(PUBLISHED) == (
        "atlas-000005 orders the 787 tasks that wait. Trained on 13 labels (other 10, disaster 3); "
        "strategy auto; accuracy out of fold 92%; 2.0 s"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"published": False}, "the project stays with the version it has"),
        ({"published": False, "head": 0, "waiting": 0}, "no task waits"),
        ({"labels": {}, "trained_on": 0, "accuracy": None}, "Trained on 0 labels; strategy auto; 2.0 s"),
        ({"labels": {str(i): 1 for i in range(9)}}, "5 1, and 3 more)"),
        (
            {"adapted": {"frozen": 0.533, "adapted": 0.75}},
            "guesses by adapted layers (right on held-out items 75%, before 53%); 2.0 s",
        ),
        ({"accuracy": None, "measured": {"f1": 0.561, "recall": 0.4}}, "auto; out of fold f1 0.56; 2.0 s"),
        ({"accuracy": None, "measured": {"f1": None}}, "strategy auto; 2.0 s"),
        ({"notes": ["labels of fewer than two classes: cold start"]}, "2.0 s; labels of fewer than two"),
    ],
)
def test_what_differs_is_told(change: dict[str, Any], words: str) -> None:
    assert words in in_words(PUBLISHED | change)


def test_where_nothing_was_done_the_reason_is_told() -> None:
    assert in_words({"published": False, "reason": "no tasks"}) == "nothing is published: no tasks"
