"""Which tasks of a queue are drawn at random, so that what is measured on them holds for all that wait.

The lottery is drawn once: each task has a lot that its number and the seed decide. An audit is the waiting
task with the lowest lot. So audits are a simple random sample, without replacement, of what waited when each
was drawn; a task that was imported later comes to its turn as if it had been there from the start; and a
draw stays the same, however often the queue is made anew, until its task is labelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from backend.sampling.ranking import Ranking
from backend.sampling.turns import Turns

AUDIT = "audit"
"""By which name `Ranking.by` has it."""
_ITEMS, _GAPS, _SILENT = 1, 2, 3
"""What is drawn: each has a chance of its own."""


def lots_of(ids: Tensor, seed: int, kind: int = _ITEMS) -> Tensor:
    """Each task's lot, float64 [N], in [0, 1): splitmix64 (Steele, Lea & Flood 2014) of its number and seed.

    ids: int64 [N].
    """
    start = np.random.SeedSequence([abs(seed), kind]).generate_state(1, np.uint64)[0]
    mixed = (ids.numpy().astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + start
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    return torch.from_numpy((mixed >> np.uint64(11)).astype(np.float64) / 2**53)


def due(share: float, seed: int, done: int, since: int, size: int) -> list[int]:
    """Places of a queue's first `size`, from 0 and rising, that are audits'.

    share: of what is served, in [0, 1]; done: audits that are labelled; since: labels after the last of them.
    Between two audits as many others are served as chance says, 1 / share - 1 on average: nobody can count
    up to the next one. One that is overdue comes first; what was missed is not made up for.
    """
    found: list[int] = []
    place = -since
    while share > 0:
        place = max(place + _gap(share, seed, done + len(found)), 0)
        if place >= size:
            break
        found.append(place)
        place += 1
    return found


def _gap(share: float, seed: int, number: int) -> int:
    most = round(2 * (1 / share - 1))
    return int(np.random.default_rng([abs(seed), _GAPS, number]).integers(0, most + 1))


def with_audits(turns: Turns, lots: Tensor, free: Tensor, places: Sequence[int]) -> Turns:
    """The order with audits at these places, below the number of its picks; what stands there moves back.

    lots: float64 [N], by pool index; free: bool [N], which may be drawn. An audit counts as one of the picks,
    by AUDIT, in no round, with the chance of its draw; its worth is that of what comes behind it.
    """
    candidates = free.nonzero().squeeze(1)
    drawn = candidates[lots[candidates].argsort()][: len(places)]
    if not len(drawn):
        return turns
    own = ~torch.isin(turns.ranking.order, drawn)  # along the order
    is_audit = torch.zeros(len(own), dtype=torch.bool)
    is_audit[torch.tensor(places[: len(drawn)])] = True

    def merged(of_drawn: Tensor, along: Tensor) -> Tensor:
        made = torch.empty_like(along)
        made[is_audit], made[~is_audit] = of_drawn, along[own]
        return made

    turn = turns.turn.new_zeros(len(turns.turn)).scatter(0, turns.ranking.order, turns.turn)
    order = merged(drawn, turns.ranking.order)
    ranking = _told(turns.ranking, order, own, is_audit, 1 / len(candidates))
    return Turns(ranking, turn[order])


def _told(before: Ranking, order: Tensor, own: Tensor, is_audit: Tensor, chance: float) -> Ranking:
    """Of the new order. own: bool [N], along the order before, what is no audit now."""
    kept = own[: len(before.by)].nonzero().squeeze(1)
    n = len(kept) + int(is_audit.sum())
    audits = is_audit[:n]
    names = iter([before.by[i] for i in kept.tolist()])
    rounds, chances = torch.zeros(n, dtype=torch.int64), torch.full((n,), chance, dtype=torch.float64)
    rounds[~audits], chances[~audits] = before.rounds[kept], before.chance[kept]
    return replace(
        before,
        order=order,
        worth=None if before.worth is None else _falling(before.worth, order, is_audit),
        by=tuple(AUDIT if each else next(names) for each in audits.tolist()),
        rounds=rounds,
        chance=chances,
    )


def _falling(worth: Tensor, order: Tensor, is_audit: Tensor) -> Tensor:
    """With what an audit stands before in the place of its own. worth: float [N], by pool index."""
    at = torch.arange(len(order)).where(~is_audit, len(order))
    behind = at.flip(0).cummin(0).values.flip(0)
    last = int((~is_audit).nonzero().max()) if bool((~is_audit).any()) else len(order) - 1
    made = worth.clone()
    made[order] = worth[order][behind.clamp(max=last)]
    return made


def silent(ranking: Ranking, lots: Tensor) -> Tensor:
    """Places of the picks that carry no guess, int64 [n], rising: the audits, and near each of them one more,
    drawn, so that a missing guess tells nobody which is which. lots: float64 [N], by pool index."""
    audits = [place for place, name in enumerate(ranking.by) if name == AUDIT]
    found, near = set(audits), lots[ranking.order[: len(ranking.by)]]
    for before, after in pairwise([-1, *audits[1:], len(ranking.by)]):
        others = [place for place in range(before + 1, after) if place not in found]
        if audits and others:
            found.add(min(others, key=lambda place: float(near[place])))
    return torch.tensor(sorted(found), dtype=torch.int64)


def silent_lots(ids: Tensor, seed: int) -> Tensor:
    """By which `silent` draws: float64 [N]. ids: int64 [N]."""
    return lots_of(ids, seed, _SILENT)
