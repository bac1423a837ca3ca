"""Marked parts that are likely wrong, and parts that were likely overlooked, as the newest version found them
when it was trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from backend.controls.regions import RegionControl
from backend.controls.spans import Spans
from backend.learning.suspected_parts import NOTHING, SuspectedPart
from backend.learning.suspects import FEWEST
from backend.store.tasks import StoredTask

AROUND = 20
"""Characters shown on both sides of a span."""


def still_there(row: Mapping[str, Any], task: StoredTask | None) -> bool:
    """Whether the task's answer is the one that was judged. row: of a version's figures."""
    return task is not None and task.target is not None and row["answer"] == _digest(task.target)


def where(row: Mapping[str, Any], control: RegionControl, task: StoredTask) -> str:
    """The part, for a person: a span's words within others, the place of a box, or of one around an area."""
    if not isinstance(control, Spans):
        x, y, width, height = (round(each) for each in row["place"])
        return f"{width} x {height} % at {x}, {y} % of {task.text[:200]}"
    start, end = row["place"]
    before, after = task.text[max(start - AROUND, 0) : start], task.text[end : end + AROUND]
    if start > AROUND:  # no half words
        before = "…" + before[before.find(" ") + 1 :]
    if end + AROUND < len(task.text):
        after = (after.rpartition(" ")[0] or after) + "…"
    return f"{before}[{task.text[start:end]}]{after}"


def labels_judged(control: RegionControl, tasks: Sequence[StoredTask]) -> int:
    """How many of the tasks' labels are of those that are given often enough to be judged."""
    labels = (label for task in tasks if task.target for label in control.labels_in(task.target))
    return sum(often for often in Counter(labels).values() if often >= FEWEST)


def told(
    found: Sequence[SuspectedPart], control: RegionControl, tasks: Sequence[StoredTask], most: int
) -> dict[str, Any]:
    """For a version's figures: `rows`, the first of what was found, and `contradicted`, of how many labels
    the models would say something else; parts that nobody marked are none. found: the most suspected first;
    tasks: the labelled ones, that the items number."""
    return {
        "rows": _rows_of(found[:most], control.classes, tasks),
        "contradicted": sum(each.label != NOTHING for each in found),
    }


def _rows_of(
    found: Sequence[SuspectedPart], labels: Sequence[str], tasks: Sequence[StoredTask]
) -> list[dict[str, Any]]:
    name = dict(enumerate(labels))
    return [
        {
            "task": tasks[each.item].id,
            "answer": _digest(tasks[each.item].target or ""),
            "place": [round(value, 3) for value in each.place],
            "label": name.get(each.label),
            "p_label": round(each.p_label, 4),
            "instead": name.get(each.instead),
            "p_instead": round(each.p_instead, 4),
        }
        for each in found
    ]


def _digest(answer: str) -> str:
    return blake2b(answer.encode(), digest_size=8).hexdigest()
