"""What more labels would bring: the accuracy to expect, labels to a goal, whether to stop.

Over the number of labels on a logarithmic scale, the log-odds of accuracy grow along a line: error falls as a
power of the labels (Hestness et al. 2017; for text classifiers Johnson et al. 2018). By how much a doubling
raises them is believed beforehand from the benchmark's curves; the project's own estimates correct that as
far as their intervals allow, which with few audits is little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from backend.learning.estimates import Interval, log_odds

GAIN, GAIN_SPREAD = 0.42, 0.25
"""Log-odds of accuracy for each doubling of the labels, and their standard deviation between sets: chosen on
ag-news, banking77, disaster-headlines, notmnist and sst2 (benchmarks/estimates.py)."""
TIMES = (1.5, 2.0, 4.0)
ESTIMATED_AT, FORECAST_AT = 1.645, 1.282
"""Standard deviations from the middle to the ends of a 90 % and of an 80 % interval."""
FURTHEST = 16
"""Times the labels beyond which no forecast reaches."""
EARLY_LABELS, EARLY_AUDITS = 60, 5
"""Below which it is too early to say."""
EARLY_WIDTH = 0.3
"""Of the estimate's interval, above which it is."""
WORTH = 0.01
"""Gain of accuracy by twice the labels below which stopping is advised."""


class Point(NamedTuple):
    """An estimate of accuracy after so many labels: log-odds, and their standard deviation."""

    labels: int
    middle: float
    spread: float


class Forecast(NamedTuple):
    """at: the accuracy to expect by the number of labels, with 80 % intervals; labels_to_goal: in all, None
    where no goal is set, or none of FURTHEST times the labels reaches it."""

    at: dict[int, Interval]
    labels_to_goal: int | None
    advice: str


def point_of(labels: int, accuracy: Interval) -> Point:
    low, middle, high = (float(log_odds(each)) for each in (accuracy.low, accuracy.value, accuracy.high))
    return Point(labels, middle, max(high - low, 1e-3) / (2 * ESTIMATED_AT))


def forecast(
    now: Point, before: Sequence[Point], goal: float | None = None, tasks: int | None = None
) -> Forecast:
    """before: earlier estimates of the same project; goal: the accuracy to reach, in (0, 1); tasks: that can
    be labelled in all, None for any number."""
    gain, spread = _gain(now, before)
    at = {round(now.labels * times): _expected(now, gain, spread, math.log2(times)) for times in TIMES}
    needed = None if goal is None else _labels_to(now, gain, goal)
    return Forecast(at, needed, _advice(now, gain, goal, needed, tasks))


def too_early(labels: int, audited: int, accuracy: Interval | None) -> str | None:
    """Why nothing can be said yet; None where something can."""
    if labels < EARLY_LABELS:
        return f"too early to say: {labels} labels, {EARLY_LABELS} are needed"
    if accuracy is None or audited < EARLY_AUDITS:
        return f"too early to say: {audited} audits, {EARLY_AUDITS} are needed"
    if accuracy.high - accuracy.low > EARLY_WIDTH:
        return f"too early to say: the accuracy is known to {accuracy.high - accuracy.low:.0%} only"
    return None


def _gain(now: Point, before: Sequence[Point]) -> tuple[float, float]:
    """Of one doubling, mean and standard deviation afterwards: by the estimate at about half the labels."""
    halves = [each for each in before if each.labels <= 0.7 * now.labels]
    if not halves:
        return GAIN, GAIN_SPREAD
    half = min(halves, key=lambda each: abs(math.log(each.labels / (now.labels / 2))))
    doublings = math.log2(now.labels / half.labels)
    seen = (now.middle - half.middle) / doublings
    noise = (now.spread**2 + half.spread**2) / doublings**2
    weight = GAIN_SPREAD**2 / (GAIN_SPREAD**2 + noise)
    return GAIN + weight * (seen - GAIN), GAIN_SPREAD * math.sqrt(1 - weight)


def _expected(now: Point, gain: float, spread: float, doublings: float) -> Interval:
    middle = now.middle + gain * doublings
    width = FORECAST_AT * math.sqrt(now.spread**2 + (spread * doublings) ** 2)
    value, low, high = (1 / (1 + math.exp(-each)) for each in (middle, middle - width, middle + width))
    return Interval(value, low, high)


def _labels_to(now: Point, gain: float, goal: float) -> int | None:
    missing = float(log_odds(goal)) - now.middle
    if missing <= 0:
        return now.labels
    doublings = missing / gain if gain > 0 else math.inf
    return None if doublings > math.log2(FURTHEST) else math.ceil(now.labels * 2**doublings)


def _advice(now: Point, gain: float, goal: float | None, needed: int | None, tasks: int | None) -> str:
    here, there = (1 / (1 + math.exp(-each)) for each in (now.middle, now.middle + gain))
    brings = _brings(now, gain, tasks)
    if goal is not None and now.middle - ESTIMATED_AT * now.spread >= float(log_odds(goal)):
        return f"the goal of {goal:.0%} is reached: stopping is sensible"
    if there - here < WORTH:
        return f"stopping is sensible: {brings}"
    if goal is None:
        return f"go on: {brings}"
    if needed is not None and needed <= now.labels:
        return f"go on: {goal:.0%} is probably reached, but not surely; {brings}"
    if needed is None:
        return f"the goal of {goal:.0%} is out of reach of {FURTHEST} times the labels; {brings}"
    if tasks is not None and needed > tasks:
        return f"{goal:.0%} is expected at {needed} labels, and there are {tasks} tasks; {brings}"
    more = f"about {needed - now.labels} more labels, {needed} in all"
    return f"go on: {more}, are expected to reach {goal:.0%}; {brings}"


def _brings(now: Point, gain: float, tasks: int | None) -> str:
    """What twice the labels bring, or all that there can be."""
    twice = 2 * now.labels
    most = twice if tasks is None else max(now.labels, min(twice, tasks))
    here, there = (
        1 / (1 + math.exp(-each)) for each in (now.middle, now.middle + gain * math.log2(most / now.labels))
    )
    of = f"twice the labels, {twice} in all," if most == twice else f"labels of all {most} tasks"
    return f"{of} are expected to bring {100 * max(there - here, 0):.1f} points more"
