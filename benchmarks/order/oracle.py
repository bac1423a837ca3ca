"""How much a batch could have gained: of eight strategies' batches the one of most true gain.

The best by one half of the test part is scored by the other, both ways averaged: chosen and scored by the
same items it would count luck as gain. All others are judged by both halves, averaged, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

import torch
from torch import Tensor

from benchmarks.order.contenders import contender
from benchmarks.order.data import Data
from benchmarks.order.judge import answered, macro_f1
from benchmarks.order.replay import RANDOM, STREAMS

ORACLE = "oracle"
ASKED = (
    "auto",
    "margin",
    "entropy",
    "badge",
    "typiclust",
    "coreset",
    "adaptive_representative",
    "random",
)
"""Whose batches the oracle chooses among."""
Pick = Callable[[Tensor, int, int], Tensor]
"""(labelled rows [M], n, chance) -> n other rows."""


def curve(data: Data, name: str, seed: int, budgets: Sequence[int]) -> list[float]:
    """Macro-F1 at so many labels by halves of the test part, as said above."""
    if name == ORACLE:
        ways = [_replayed(data, _by_half(data, half), seed, 0, budgets) for half in (0, 1)]
        return [fmean(point[1 - half] for half, point in enumerate(both)) for both in zip(*ways, strict=True)]
    streams = range(STREAMS if name == RANDOM else 1)
    curves = [_replayed(data, _by_name(data, name), seed, stream, budgets) for stream in streams]
    return [fmean(half for point in points for half in point) for points in zip(*curves, strict=True)]


def _replayed(data: Data, pick: Pick, seed: int, stream: int, budgets: Sequence[int]) -> list[list[float]]:
    """At each budget the score by each half."""
    known = torch.randperm(len(data.pool), generator=torch.Generator().manual_seed(seed))[: budgets[0]]
    points = [_halves(data, known)]
    for budget in budgets[1:]:
        chance = (stream * 1_000 + seed) * 1_000 + len(known)
        known = torch.cat([known, pick(known, budget - len(known), chance)])
        points.append(_halves(data, known))
    return points


def _by_name(data: Data, name: str) -> Pick:
    asked = contender(name)
    classes = int(max(data.targets.max(), data.truth.max())) + 1
    return lambda known, n, chance: asked(data.pool, known, data.targets[known], classes, n, chance)


def _by_half(data: Data, half: int) -> Pick:
    """The batch that gains most by this half; of the first named among those that are level."""
    picks = [_by_name(data, name) for name in ASKED]

    def best(known: Tensor, n: int, chance: int) -> Tensor:
        batches = [pick(known, n, chance) for pick in picks]
        gained = [_halves(data, torch.cat([known, batch]))[half] for batch in batches]
        return batches[gained.index(max(gained))]

    return best


def _halves(data: Data, known: Tensor) -> list[float]:
    """Macro-F1 by every other item of the test part, which is in random order, and by the rest."""
    said = answered(data, known)
    return [macro_f1(data.truth[half::2], said[half::2]) for half in (0, 1)]
