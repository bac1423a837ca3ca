"""What a version tells of more labels: the score to expect, labels to the goal, whether to stop."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from backend.controls.base import Control
from backend.jobs.estimating import Estimated
from backend.learning.estimates import Interval
from backend.learning.forecast import forecast, point_of, too_early

APART = 1.19
"""How many times as many labels an estimate has that is kept beside the one before: four to a doubling."""


def forecast_told(
    goal: float,
    labels: int,
    estimated: Estimated,
    before: Mapping[str, Any],
    asked: str,
    tasks: int | None = None,
) -> dict[str, Any]:
    """For a version's stats. goal: the accuracy to reach, 0 for none; before: stats of the version before;
    asked: see `asked_of`; tasks: see `forecast`.

    curve: [labels, value, low, high] of earlier estimates of the same question, so that it need not be read
    out of the history.
    """
    accuracy = None if estimated.found is None else estimated.found.accuracy
    curve = _curve_of(before, labels, asked)
    kept = curve if accuracy is None else _with(curve, labels, accuracy)
    base = {"goal": goal or None, "curve": kept, "asked": asked}
    early = too_early(labels, estimated.audited, accuracy)
    if early is not None or accuracy is None:
        return {"at": {}, "labels_to_goal": None, "advice": early or "", **base}
    points = [point_of(int(n), Interval(*rest)) for n, *rest in curve]
    found = forecast(point_of(labels, accuracy), points, goal or None, tasks)
    at = {str(number): each.told() for number, each in found.at.items()}
    return {"at": at, "labels_to_goal": found.labels_to_goal, "advice": found.advice, **base}


def asked_of(control: Control) -> str:
    """What an accuracy is about, in few letters: others where the label config asks another question, or
    offers other classes. Then what was estimated before says nothing of what more labels bring."""
    asked = json.dumps(control.with_classes(()).as_json(), sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def _curve_of(before: Mapping[str, Any], labels: int, asked: str) -> list[list[float]]:
    """Of fewer labels than there are now; empty where something else was asked then. Versions from before
    this was told are taken to have asked the same."""
    told = before.get("forecast") or {}
    if told.get("asked", asked) != asked:
        return []
    return [point for point in told.get("curve") or [] if point[0] < labels]


def _with(curve: list[list[float]], labels: int, accuracy: Interval) -> list[list[float]]:
    if curve and labels < APART * curve[-1][0]:
        return curve
    return [*curve, [labels, *(round(each, 4) for each in accuracy)]]
