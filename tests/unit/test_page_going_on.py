"""Whether going on is worth it, in two sentences that carry the interval and the share that is labelled."""

from __future__ import annotations

from typing import Any

import pytest

from backend.jobs.estimating import Estimated
from backend.jobs.forecasting import forecast_told
from backend.learning.estimates import Estimate, Interval
from backend.pages.going_on import Expected, at, going_on


def stats_of(
    accuracy: Interval, *, labels: int = 100, tasks: int = 640, goal: float = 0.0, audited: int = 31
) -> dict[str, Any]:
    """As a version has them that learned from so many labels."""
    found = Estimated(audited, Estimate(accuracy, accuracy, {}, 0.0, 0.1), ("a", "b"))
    forecast = forecast_told(goal, labels, found, {}, "same", tasks)
    return {"trained_on": labels, "tasks": tasks, "estimate": found.told(0.1), "forecast": forecast}


def said(stats: dict[str, Any]) -> list[str]:
    return [each.replace("\u00a0", " ") for each in going_on(stats)]


NEAR = Interval(0.9, 0.85, 0.94)


def test_of_a_goal_ahead_it_is_told_how_far_it_is_and_how_sure_that_is() -> None:
    first, second = said(stats_of(NEAR, goal=0.94))
    assert first == (
        "Go on: 94 % is expected with 250 of 640 tasks (39 %) labelled, 150 more than now; the accuracy then "
        "lies between 90 % and 96 % in four cases of five."
    )
    assert second == (
        "Labelled so far: 100 of 640 tasks (16 %); with twice as many, an accuracy of 93 % is expected "
        "(between 89 % and 96 %), in place of 90 %."
    )


HEADS: list[tuple[dict[str, Any], str]] = [
    (
        {"accuracy": Interval(0.97, 0.96, 0.98), "goal": 0.9},
        "The goal of 90 % is reached: stopping is sensible.",
    ),
    ({"accuracy": Interval(0.992, 0.99, 0.994)}, "Stopping is sensible."),
    ({"accuracy": Interval(0.992, 0.99, 0.994), "goal": 0.995}, "Stopping is sensible."),
    ({"accuracy": NEAR}, "Go on."),
    ({"accuracy": NEAR, "tasks": 150}, "Go on."),
    ({"accuracy": NEAR, "goal": 0.88}, "Go on: 88 % is probably reached, but not surely."),
    (
        {"accuracy": Interval(0.6, 0.55, 0.65), "goal": 0.99},
        "The goal of 99 % is out of reach of 16 times the labels.",
    ),
    (
        {"accuracy": NEAR, "goal": 0.94, "tasks": 150},
        "94 % is expected at 250 labels, and there are 150 tasks.",
    ),
    ({"accuracy": NEAR, "labels": 40}, "Too early to say: 40 labels, 60 are needed."),
    ({"accuracy": NEAR, "audited": 3}, "Too early to say: 3 audits, 5 are needed."),
]


@pytest.mark.parametrize(("given", "head"), HEADS)
def test_each_verdict_is_one_sentence_and_the_share_that_is_labelled_another(
    given: dict[str, Any], head: str
) -> None:
    stats = stats_of(**given)
    first, second = said(stats)
    assert first == head
    assert second.startswith(f"Labelled so far: {stats['trained_on']} of {stats['tasks']} tasks (")
    assert ("in place of" in second) == bool(stats["forecast"]["at"])


def test_where_twice_the_labels_are_more_than_there_are_tasks_it_is_told_of_all() -> None:
    (_, second) = said(stats_of(NEAR, tasks=150))
    assert (
        "; with all 150, an accuracy of 92 % is expected (between 88 % and 95 %), in place of 90 %." in second
    )
    (_, all_of_them) = said(stats_of(NEAR, tasks=100))
    assert all_of_them == "Labelled so far: 100 of 100 tasks (100 %)."


def test_between_two_points_it_lies_on_the_line_and_beyond_the_last_nothing_is_said() -> None:
    line = [Expected(100, 0.8, 0.7, 0.9), Expected(200, 0.9, 0.7, 1.0)]
    assert at(line, 150) == pytest.approx(Expected(150, 0.85, 0.7, 0.95))
    assert at(line, 200) == pytest.approx(line[1])
    assert at(line, 201) is None
    assert at([], 100) is None


@pytest.mark.parametrize("stats", [{}, {"forecast": None}, {"forecast": {}}])
def test_without_a_forecast_nothing_is_said(stats: dict[str, Any]) -> None:
    assert going_on(stats) == []


def test_a_forecast_of_an_earlier_release_is_told_as_far_as_it_goes() -> None:
    old = {"trained_on": 40, "forecast": {"goal": None, "labels_to_goal": None, "advice": "go on: more"}}
    assert said(old) == ["Go on: more.", "Labelled so far: 40."]
