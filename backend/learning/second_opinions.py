"""Which tasks are worth one more annotator: where a vote is expected to settle most.

What is true of a task is uncertain: a model that never saw its label says one thing, each of its annotators
another, and each is right as often as they proved to be (Dawid & Skene 1979, with one number an annotator).
A vote is worth what it is expected to tell of the truth (mutual information). One scale for tasks with votes
and without: ActiveLab (Goh & Mueller 2023) has that idea, too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROUNDS = 30
"""Of what is likely and how good annotators are, each from the other; both hardly move after."""
GOOD, PRIOR = 0.8, 10.0
"""How often an annotator is taken to be right before they proved anything, and for how many votes that
counts."""
LEAST = 0.02
"""No class is less likely to a model, and no annotator less often wrong: none is beyond doubt."""


class Votes(NamedTuple):
    """Of V votes: task, annotator, label: int64 [V], each counted from 0."""

    task: Ints
    annotator: Ints
    label: Ints


class Opinions(NamedTuple):
    """likely: float64 [N, C], how likely each class is of each task, all told; right: float64 [A], how often
    each annotator is right; worth: float64 [N], what one more vote of the mean annotator is, in nats."""

    likely: Floats
    right: Floats
    worth: Floats


def opinions(probabilities: Floats, votes: Votes, annotators: int) -> Opinions:
    """probabilities: [N, C], by a model that saw none of the votes on the task; C at least 2.

    The likelihoods and how often annotators are right are found from each other (expectation maximisation).
    """
    prior = np.log(np.clip(probabilities, LEAST, 1 - LEAST))
    prior -= np.log(np.exp(prior).sum(1, keepdims=True))
    cast = np.bincount(votes.annotator, minlength=annotators)
    right: Floats = np.full(annotators, GOOD)
    for _ in range(ROUNDS):
        likely = _likely(prior, votes, right)
        agreed = np.bincount(votes.annotator, weights=likely[votes.task, votes.label], minlength=annotators)
        right = np.clip((agreed + GOOD * PRIOR) / (cast + PRIOR), 1 / prior.shape[1], 1 - LEAST)
    likely = _likely(prior, votes, right)
    typical = float((right * cast).sum() / cast.sum()) if len(votes.task) else GOOD
    return Opinions(likely, right, _worth(likely, typical))


def _likely(prior: Floats, votes: Votes, right: Floats) -> Floats:
    """prior: float64 [N, C], logarithms."""
    odds = np.log(right * (prior.shape[1] - 1) / (1 - right))
    said = prior.copy()
    np.add.at(said, (votes.task, votes.label), odds[votes.annotator])
    said = np.exp(said - said.max(1, keepdims=True))
    found: Floats = said / said.sum(1, keepdims=True)
    return found


def _worth(likely: Floats, right: float) -> Floats:
    """The mutual information of the truth and a vote that is right so often: how unsure it is what the vote
    will be, less how unsure it would be if the truth were known, which is the same for each class."""
    wrong = (1 - right) / (likely.shape[1] - 1)
    vote = right * likely + wrong * (1 - likely)
    told = right * np.log(right) + (1 - right) * np.log(wrong)
    found: Floats = np.maximum(told - (vote * np.log(vote)).sum(1), 0)
    return found
