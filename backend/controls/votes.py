"""From a task's annotations to the one answer it is trained as."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from backend.controls.base import Answer, Control

CLEAR = 0.6
"""The share of the annotators' weight that must agree with an answer. Where one says this and one that, each
has half, a little more where one of the two is known to agree with the others less often: too little to
train on."""
_DAY = re.compile(r"\d{4}-\d\d-\d\dT", re.ASCII)
Agreement = Callable[[str, str], float]
"""Of two answers, in [0, 1]: see `Control.agreement`."""


class Vote(NamedTuple):
    """What one annotator says of a task. truth: marked as ground truth; day: on which it was first said, such
    as 2026-11-27, "" where that is not known."""

    annotator: str
    label: str
    truth: bool = False
    day: str = ""


Settled = Callable[[Sequence[Vote], Mapping[str, float]], "Answer | None"]
"""See `Control.settled`."""


def votes_of(annotations: Iterable[Any], control: Control, content: str = "") -> tuple[Vote, ...]:
    """One vote per annotator, the latest; ground truth outdoes all that is not.

    Skipped annotations (`was_cancelled`, which may carry a full result) and choices the config no longer
    has do not count; empty ones only where that says "none of them". content: the task's, where its parts
    are asked about.
    """
    votes: dict[str, Vote] = {}
    usable = [item for item in annotations if isinstance(item, dict) and not item.get("was_cancelled")]
    # Ground truth last, so that a later ordinary annotation of the same annotator does not replace it.
    usable.sort(key=lambda item: (bool(item.get("ground_truth")), str(item.get("updated_at", ""))))
    for annotation in usable:
        answer = control.read(annotation.get("result"), content)
        if answer is not None:
            who = _annotator_of(annotation)
            votes[who] = Vote(who, answer, bool(annotation.get("ground_truth")), _day_of(annotation))
    truths = tuple(vote for vote in votes.values() if vote.truth)
    return truths or tuple(votes.values())


def target_of(annotations: Iterable[Any], control: Control, content: str = "") -> Answer | None:
    """The answer on one task alone, all its annotators weighing the same; None without or in disagreement."""
    votes = votes_of(annotations, control, content)
    return control.settled(votes) if votes else None


def consensus(
    votes: Mapping[int, Sequence[Vote]], agreement: Agreement, settled: Settled | None = None
) -> dict[int, Answer | None]:
    """The answer on every task that has votes, None where annotators disagree: the vote that most of them
    agree with, annotators weighing what they proved worth.

    Worker Agreement with Aggregate (as in crowd-kit's `Wawa`): an annotator's weight is the share of
    their votes, on tasks others voted on too, that went with the majority; one more vote each way keeps
    it off 0 and 1 while there are few. A vote that goes with it in part counts in part. settled: what a
    task's votes come to by these weights, where that is more than one of them.
    """
    right: dict[str, float] = defaultdict(float)
    asked: dict[str, int] = defaultdict(int)
    for task_votes in votes.values():
        majority = verdict(task_votes, {}, agreement) if len(task_votes) > 1 else None
        if majority is not None:
            for vote in task_votes:
                asked[vote.annotator] += 1
                right[vote.annotator] += agreement(vote.label, majority)
    weights = {who: (right[who] + 1) / (asked[who] + 2) for who in asked}
    settle = settled or (lambda cast, known: verdict(cast, known, agreement))
    return {task: settle(task_votes, weights) for task, task_votes in votes.items() if task_votes}


def verdict(votes: Sequence[Vote], weights: Mapping[str, float], agreement: Agreement) -> Answer | None:
    """The vote that most of the annotators' weight agrees with, None where that is not clear. Of equally good
    ones the first. votes: at least one."""
    weight_of: dict[Answer, float] = defaultdict(float)
    for vote in votes:
        weight_of[vote.label] += weights.get(vote.annotator, 0.5)
    shares = {
        answer: sum(weight * agreement(answer, other) for other, weight in weight_of.items())
        for answer in weight_of
    }
    best = max(shares, key=lambda answer: shares[answer])
    return best if shares[best] / sum(weight_of.values()) >= CLEAR else None


def _day_of(annotation: dict[str, Any]) -> str:
    stamp = annotation.get("created_at")
    return stamp[:10] if isinstance(stamp, str) and _DAY.match(stamp) else ""


def _annotator_of(annotation: dict[str, Any]) -> str:
    """Label Studio tells the user's id or the user; nobody, in some imports: then each is somebody else."""
    who = annotation.get("completed_by")
    who = who.get("id") if isinstance(who, dict) else who
    return str(who) if isinstance(who, int | str) else f"annotation {annotation.get('id')}"
