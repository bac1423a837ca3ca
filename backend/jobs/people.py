"""Who labelled how much and when, how far annotators agree, and on which tasks they do not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from backend.controls.base import Control
from backend.controls.votes import Vote

MOST_DISPUTED = 100
MOST_COMPARED = 5000
"""Tasks with several votes whose votes are compared with each other, the last ones: areas take their time."""
MOST_ANNOTATORS = 200
MOST_CHARACTERS = 200
"""Of an answer or a text."""
DISPUTED = 0.6
"""Mean agreement of a task's votes below which it is disputed."""


def people_told(
    control: Control, votes: Mapping[int, Sequence[Vote]], texts: Mapping[int, str]
) -> dict[str, Any]:
    """votes: on each task; texts: of tasks.

    `annotators`, by falling number of tasks: `who`, `tasks`, `days` (tasks by day), and `agreement`, the mean
    with whoever voted on the same tasks, over `shared` votes, None without. `pairs` of them likewise.
    `disputed`: tasks whose votes agree least: `task`, `text`, `agreement`, and the `votes` in words.
    """
    tasks, days = Counter[str](), defaultdict[str, Counter[str]](Counter)
    for cast in votes.values():
        for vote in cast:
            tasks[vote.annotator] += 1
            days[vote.annotator][vote.day] += 1
    several = [task for task in sorted(votes) if len(votes[task]) > 1]
    compared = {task: _pairs(control, votes[task]) for task in several[-MOST_COMPARED:]}
    pairs = defaultdict[tuple[str, str], list[float]](list)
    for found in compared.values():
        for pair, agreement in found.items():
            pairs[pair].append(agreement)
    disputed = sorted((_mean(list(found.values())), task) for task, found in compared.items())
    return {
        "annotators": [
            {"who": who, "tasks": count, "days": dict(sorted(days[who].items())), **_with_others(who, pairs)}
            for who, count in tasks.most_common(MOST_ANNOTATORS)
        ],
        "pairs": [
            {"one": one, "other": other, "shared": len(found), "agreement": round(_mean(found), 4)}
            for (one, other), found in sorted(pairs.items(), key=lambda each: -len(each[1]))[:MOST_ANNOTATORS]
        ],
        "several": len(several),
        "disputed": [
            _disputed(control, task, agreement, votes[task], texts.get(task, ""))
            for agreement, task in disputed[:MOST_DISPUTED]
            if agreement < DISPUTED
        ],
    }


def _pairs(control: Control, cast: Sequence[Vote]) -> dict[tuple[str, str], float]:
    ordered = sorted(cast, key=lambda vote: vote.annotator)
    return {
        (one.annotator, other.annotator): control.agreement(one.label, other.label)
        for one, other in combinations(ordered, 2)
    }


def _with_others(who: str, pairs: Mapping[tuple[str, str], Sequence[float]]) -> dict[str, Any]:
    found = [agreement for pair, agreements in pairs.items() if who in pair for agreement in agreements]
    return {"shared": len(found), "agreement": round(_mean(found), 4) if found else None}


def _disputed(
    control: Control, task: int, agreement: float, cast: Sequence[Vote], text: str
) -> dict[str, Any]:
    said = [
        {
            "who": vote.annotator,
            "said": ", ".join(control.in_words(vote.label))[:MOST_CHARACTERS] or "nothing",
        }
        for vote in cast
    ]
    return {"task": task, "text": text[:MOST_CHARACTERS], "agreement": round(agreement, 4), "votes": said}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 1.0
