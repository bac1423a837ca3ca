"""How a queue's head is made of batches, so that whatever is labelled of it is a batch of the strategy.

A project labels R tasks between two rankings. The first R of a head are what the strategy picks for a
batch of R; what it would pick next, once those are labelled, are the second R; then come 2 R, 4 R and so on:
each batch is as large as all before it, and what came before counts as picked. Strategies of which each pick
depends on those before it alone (a number to sort by, greedy ones) have no need of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from backend.sampling.scene import Picks, Scene

FEWEST, MOST = 5, 50
Pick = Callable[..., Picks]
"""(scene, n, **options) -> n picks."""


def labelled_at_once(retrain_every: int) -> int:
    """R: the labels between two rankings of a project that retrains after so many, within FEWEST and MOST.

    More than that are labelled where a ranking takes long; then a longer beginning of the head is served,
    which is made of whole batches, too.
    """
    return min(max(retrain_every, FEWEST), MOST)


def next_size(scene: Scene) -> int:
    """Of the batch that comes after what is picked already."""
    return max(scene.batch, len(scene.picked))


def ends(scene: Scene) -> Iterator[int]:
    """How many picks there are after one batch, two batches, and so on, without end."""
    done = 0
    while True:
        done += max(scene.batch, len(scene.picked) + done)
        yield done


def in_batches(pick: Pick) -> Pick:
    """The strategy that makes a head of more than R out of batches of this one.

    `pick` must not pick what is in `scene.picked`. The last batch is as large as is needed.
    """

    @wraps(pick)
    def picked(scene: Scene, n: int, **options: Any) -> Picks:
        answers: list[Picks] = []
        found = 0
        while found < n:
            answers.append(pick(scene, min(next_size(scene), n - found), **options))
            found += len(answers[-1].indices)
            scene = scene.after(answers[-1].indices)
        return joined(answers)

    return picked


def joined(answers: Sequence[Picks]) -> Picks:
    """The picks of several batches, one after the other; those of a batch are a round at least."""
    rounds, chances, so_far = [], [], 0
    for answer in answers:
        own = torch.ones_like(answer.indices) if answer.rounds is None else answer.rounds
        rounds.append(own + so_far)
        so_far += int(own.max())
        ones = torch.ones_like(own, dtype=torch.float64)
        chances.append(ones if answer.chance is None else answer.chance)
    indices = torch.cat([answer.indices for answer in answers])
    by = _names_of(answers)
    return replace(answers[0], indices=indices, by=by, rounds=torch.cat(rounds), chance=torch.cat(chances))


def in_whole_batches(scene: Scene, pick: Pick, n: int) -> Picks:
    """The first n picks of a part of a head, the last batch asked for whole, without a worth."""
    whole = next(end for end in ends(scene) if end >= n)
    found = pick(scene, min(whole, scene.left))
    by = None if found.by is None else found.by[:n]
    return Picks(found.indices[:n], by=by, rounds=rounds_of(found)[:n], chance=chances_of(found)[:n])


def interleaved(answers: Sequence[Picks], turns: Tensor) -> Picks:
    """One answer of several parts' own. turns: int64 [n], whose turn it is, by the answers' order."""
    at = turns.argsort(stable=True).argsort()
    by = _names_of(answers)
    return Picks(
        torch.cat([answer.indices for answer in answers])[at.to(answers[0].indices.device)],
        by=None if by is None else tuple(by[i] for i in at.tolist()),
        rounds=torch.cat([rounds_of(answer) for answer in answers])[at],
        chance=torch.cat([chances_of(answer) for answer in answers])[at],
    )


def _names_of(answers: Sequence[Picks]) -> tuple[str | None, ...] | None:
    """`Picks.by` of all, one answer after the other."""
    if all(answer.by is None for answer in answers):
        return None
    return tuple(name for each in answers for name in each.by or (None,) * len(each.indices))


def rounds_of(picks: Picks) -> Tensor:
    """int64 [n], on the processor."""
    return (torch.ones_like(picks.indices) if picks.rounds is None else picks.rounds).cpu()


def chances_of(picks: Picks) -> Tensor:
    """float64 [n], on the processor."""
    ones = torch.ones(len(picks.indices), dtype=torch.float64)
    return ones if picks.chance is None else picks.chance.cpu()


def of_what_is_left(pick: Pick) -> Pick:
    """For a strategy that knows nothing of picks before its own: it is shown the pool without them."""

    @wraps(pick)
    def picked(scene: Scene, n: int, **options: Any) -> Picks:
        if not len(scene.picked):
            return pick(scene, n, **options)
        left = (~scene.is_picked).nonzero().squeeze(1)
        answer = pick(scene.without_picked(left), n, **options)
        return replace(answer, indices=left[answer.indices], worth=None)

    return picked
