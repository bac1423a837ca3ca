"""What a version tells of more labels: the score to expect, labels to the goal, whether to stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.jobs.estimating import Estimated
from backend.learning.estimates import Interval
from backend.learning.forecast import forecast, point_of, too_early

APART = 1.19
"""How many times as many labels an estimate has that is kept beside the one before: four to a doubling."""


def forecast_told(
    goal: float, labels: int, estimated: Estimated, before: Mapping[str, Any]
) -> dict[str, Any]:
    """For a version's stats. goal: the accuracy to reach, 0 for none; before: stats of the version before.

    curve: [labels, value, low, high] of earlier estimates, so that it need not be read out of the history.
    """
    accuracy = None if estimated.found is None else estimated.found.accuracy
    curve = _curve_of(before, labels)
    base = {"goal": goal or None, "curve": curve if accuracy is None else _with(curve, labels, accuracy)}
    early = too_early(labels, estimated.audited, accuracy)
    if early is not None or accuracy is None:
        return {"at": {}, "labels_to_goal": None, "advice": early or "", **base}
    points = [point_of(int(n), Interval(*rest)) for n, *rest in curve]
    found = forecast(point_of(labels, accuracy), points, goal or None)
    at = {str(number): each.told() for number, each in found.at.items()}
    return {"at": at, "labels_to_goal": found.labels_to_goal, "advice": found.advice, **base}


def _curve_of(before: Mapping[str, Any], labels: int) -> list[list[float]]:
    """Of fewer labels than there are now."""
    kept = (before.get("forecast") or {}).get("curve") or []
    return [point for point in kept if point[0] < labels]


def _with(curve: list[list[float]], labels: int, accuracy: Interval) -> list[list[float]]:
    if curve and labels < APART * curve[-1][0]:
        return curve
    return [*curve, [labels, *(round(each, 4) for each in accuracy)]]
