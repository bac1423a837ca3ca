"""Whether going on is worth it, in two plain sentences: how far it is to the goal, and what more labels
bring, with how sure that is, and how much of the project is labelled."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from backend.pages.words import percent, sentence, whole

_BRINGS = (": twice the labels", ": labels of all", "; ")
"""Where a forecast's advice goes on to say what more labels bring, which is told here with its interval."""


class Expected(NamedTuple):
    """An accuracy after so many labels."""

    labels: float
    value: float
    low: float
    high: float


def going_on(stats: Mapping[str, Any]) -> list[str]:
    """Sentences; none without a forecast. stats: a version's."""
    forecast, labels, tasks = stats.get("forecast"), stats.get("trained_on", 0), stats.get("tasks", 0)
    if not forecast:
        return []
    line = _line(stats)
    head = _to_goal(forecast, labels, tasks, line) or _first(str(forecast.get("advice", "")))
    ahead = _ahead(labels, tasks, line)
    so_far = f"labelled so far: {_of_all(labels, tasks)}{f'; {ahead}' if ahead else ''}"
    return [sentence(each) for each in (head, so_far) if each]


def _first(advice: str) -> str:
    for cut in _BRINGS:
        advice = advice.split(cut)[0]
    return advice


def _to_goal(forecast: Mapping[str, Any], labels: int, tasks: int, line: list[Expected]) -> str | None:
    """Of a goal that lies ahead and is worth it; None of any other."""
    goal, needed = forecast.get("goal"), forecast.get("labels_to_goal")
    if goal is None or needed is None or needed <= labels:
        return None
    if not str(forecast.get("advice")).startswith("go on"):  # there are too few tasks, or it does not pay
        return None
    there = at(line, needed)
    sure = "" if there is None else f"; the accuracy then lies between {_ends(there)} in four cases of five"
    more = f"{whole(needed - labels)} more than now"
    return f"go on: {percent(goal)} is expected with {_of_all(needed, tasks)} labelled, {more}{sure}"


def _ahead(labels: int, tasks: int, line: list[Expected]) -> str:
    """What twice the labels bring, or all that there can be."""
    most = 2 * labels if not tasks else min(2 * labels, tasks)
    found = at(line, most) if most > labels else None
    if found is None:
        return ""
    with_more = "twice as many" if most == 2 * labels else f"all {whole(tasks)}"
    expected = f"an accuracy of {percent(found.value)} is expected (between {_ends(found)})"
    return f"with {with_more}, {expected}, in place of {percent(line[0].value)}"


def at(line: list[Expected], labels: float) -> Expected | None:
    """On a line through points by rising labels; None beyond them."""
    for one, other in pairwise(line):
        if one.labels <= labels <= other.labels:
            share = (labels - one.labels) / (other.labels - one.labels)
            return Expected(labels, *(a + share * (b - a) for a, b in zip(one[1:], other[1:], strict=True)))
    return None


def _line(stats: Mapping[str, Any]) -> list[Expected]:
    """From what is estimated now through what is forecast."""
    now = (stats.get("estimate") or {}).get("accuracy")
    told = (stats.get("forecast") or {}).get("at") or {}
    if not now or not told:
        return []
    points = {float(stats["trained_on"]): now, **{float(labels): each for labels, each in told.items()}}
    return [
        Expected(labels, *(points[labels][name] for name in ("value", "low", "high")))
        for labels in sorted(points)
    ]


def _ends(found: Expected) -> str:
    return f"{percent(found.low)} and {percent(found.high)}"


def _of_all(labels: float, tasks: int) -> str:
    if not tasks:
        return whole(labels)
    return f"{whole(labels)} of {whole(tasks)} tasks ({percent(labels / tasks)})"
