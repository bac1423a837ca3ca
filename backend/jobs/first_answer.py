"""How a task came to its first answer, as far as Label Studio tells."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from backend.store.tasks import Given

LONGEST = 7 * 24 * 3600.0
"""Seconds that an annotator may have had a task open: of more, the clock is wrong."""


def first_answer(task: dict[str, Any]) -> Given | None:
    """Of the first annotation that is not a skip, None without one. task: whole, with its predictions.

    Of several annotators the first counts: the others are handed what others have begun, whatever its score.
    """
    found = [each for each in task.get("annotations") or () if isinstance(each, dict)]
    given = [each for each in found if isinstance(each.get("id"), int) and not each.get("was_cancelled")]
    if not given:
        return None
    first = min(given, key=lambda each: int(each["id"]))
    return Given(int(first["id"]), _version(task, first), _opened(first))


def _version(task: dict[str, Any], annotation: dict[str, Any]) -> str | None:
    """Of the prediction that the annotation was begun with, if it was with one and that is still there."""
    began = annotation.get("parent_prediction")
    listed = (each for each in task.get("predictions") or () if isinstance(each, dict))
    named = (each.get("model_version") for each in listed if began is not None and each.get("id") == began)
    version = next(named, None)
    return version if isinstance(version, str) else None


def _opened(annotation: dict[str, Any]) -> float | None:
    """When the annotator was handed it: `lead_time` before it was submitted, and before its first draft."""
    made, drafted = _moment(annotation.get("created_at")), _moment(annotation.get("draft_created_at"))
    if made is None:
        return None
    took = annotation.get("lead_time")
    known = isinstance(took, int | float) and math.isfinite(took) and 0 <= took <= LONGEST
    opened = made - took if known and took is not None else made
    return opened if drafted is None else min(opened, drafted)


def _moment(stamp: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(stamp).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return None
