"""Adaptive strategies pick a batch in rounds and learn anew in between."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from backend.sampling.batches import next_size
from backend.sampling.scene import Scene

Worth = Callable[[Scene], Tensor]
"""A scene -> worth of its pool's items, float [N], higher = sooner."""
CANDIDATES = 10_000
"""Of a pool of more than twice as many, rounds look at so many items, the most worth before the first of
them, and at as many at random: where a head has learned anew, others may be worth more than those."""
ROUNDS = 5
"""Of a batch, where the size of a round is not given: in one of five labels each pick is a round."""


def sizes(scene: Scene, n: int, size: int | None) -> list[int]:
    """How many to pick in each round for n picks in all; a round ends where a batch ends.

    size: items in a round; by default a ROUNDS-th of the batch, so that later batches cost no more rounds.
    """
    found: list[int] = []
    done = len(scene.picked)
    batch = next_size(scene)
    while n > 0:
        left = batch
        while left > 0 and n > 0:
            found.append(min(size or -(-batch // ROUNDS), left, n))
            left -= found[-1]
            n -= found[-1]
        done += batch
        batch = max(scene.batch, done)
    return found


def in_rounds(
    scene: Scene, n: int, size: int | None, learned: Worth, learn_anew: Callable[[Scene, Tensor], Worth]
) -> tuple[Tensor, Tensor]:
    """n picks in rounds, int64 [n]: of each those of most worth, by what was learned of the picks before.
    And of each pick the number of its round, from 1: int64 [n].

    size: as for `sizes`; learned: for the first round; learn_anew(scene after picks, the last of them): for
    the next one.
    """
    before, chosen = len(scene.picked), scene.picked
    taken: list[int] = []  # in each round
    while (found := len(scene.picked) - before) < n:
        if len(chosen):
            learned = learn_anew(scene, chosen)
        part, rows = _candidates(scene, learned)
        for number, of_round in enumerate(sizes(scene, min(n - found, CANDIDATES // 2), size)):
            if number:
                learned = learn_anew(scene, chosen)
            picks = part.top(learned(part), of_round)
            chosen = rows[picks]
            taken.append(of_round)
            scene, part = scene.after(chosen), part.after(picks)
    numbers = torch.repeat_interleave(torch.arange(1, len(taken) + 1), torch.tensor(taken).long())
    numbers = numbers.to(scene.pool.device)
    return scene.picked[before:], numbers


def _candidates(scene: Scene, worth: Worth) -> tuple[Scene, Tensor]:
    """The part of a scene that rounds look at, and its items' indices into the whole pool."""
    if scene.size <= 2 * CANDIDATES:
        return scene, torch.arange(scene.size, device=scene.pool.device)
    best = scene.top(worth(scene), min(CANDIDATES, scene.left))
    others = scene.after(best)
    rows = torch.cat([best, others.first_shuffled(min(CANDIDATES, others.left))])
    return scene.narrowed(rows), torch.cat([scene.picked, rows])
