"""Utterances in the order in which Label Studio's editor plays them."""

from __future__ import annotations

import math
from typing import Any

_ENDLESS = 1e100
"""Seconds: of larger numbers no sum can be told, and what is no number is not below it."""


def in_order_of_time(utterances: Any) -> list[Any] | None:
    """As a <Paragraphs contextScroll="true"> sorts them (libs/editor, tags/object/Paragraphs/model.js): by
    `start`, then by the end, which is `end` or else `start` and `duration`; one without a start, or with 0,
    comes last, in the order of the task. None where that order cannot be told: what is no list of records,
    or has times that are no numbers.
    """
    if not isinstance(utterances, list) or not all(isinstance(each, dict) for each in utterances):
        return None
    times = [[each.get(key) for key in ("start", "end", "duration")] for each in utterances]
    if not all(_is_time(each) for of_one in times for each in of_one):
        return None
    places = [_place(start or 0.0, end or 0.0, duration) for start, end, duration in times]
    return [utterances[i] for i in sorted(range(len(places)), key=places.__getitem__)]


def _place(start: float, end: float, duration: float | None) -> tuple[float, float]:
    if not start:
        return math.inf, 0.0
    ends = 0.0 if duration is None else start + duration
    return start, end or ends


def _is_time(given: Any) -> bool:
    if given is None:
        return True
    return isinstance(given, int | float) and not isinstance(given, bool) and abs(given) < _ENDLESS
