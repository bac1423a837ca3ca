"""One learning curve: the same first labels for all, then batch by batch, judged by a logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import torch

from benchmarks.order.contenders import contender
from benchmarks.order.data import Data
from benchmarks.order.judge import judged

RANDOM, STREAMS = "random", 3
"""Random order is replayed so often from the same first labels, and averaged: the others are held to it."""


def curve(data: Data, name: str, seed: int, budgets: Sequence[int]) -> list[float]:
    """Macro-F1 on the test part at so many labels; from one budget to the next is a batch."""
    streams = STREAMS if name == RANDOM else 1
    curves = [_one(data, name, seed, stream, budgets) for stream in range(streams)]
    return [fmean(points) for points in zip(*curves, strict=True)]


def _one(data: Data, name: str, seed: int, stream: int, budgets: Sequence[int]) -> list[float]:
    pick = contender(name)
    known = torch.randperm(len(data.pool), generator=torch.Generator().manual_seed(seed))[: budgets[0]]
    classes = int(max(data.targets.max(), data.truth.max())) + 1
    points = [judged(data, known)]
    for budget in budgets[1:]:
        chance = (stream * 1_000 + seed) * 1_000 + len(known)
        batch = budget - len(known)
        more = pick(data.pool, known, data.targets[known], classes, batch, chance)
        if len(more.unique()) != batch or bool(torch.isin(more, known).any()):
            raise ValueError(f"{name} picked rows twice, or labelled ones")
        known = torch.cat([known, more])
        points.append(judged(data, known))
    return points
