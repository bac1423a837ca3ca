"""A strategy's answer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.learning.reading import Head


@dataclass(frozen=True)
class Picks:
    """What a strategy picks of a pool.

    indices: int64 [n], distinct pool indices, best first; worth: float [N], the strategy's own number
    for the whole pool, higher = sooner, None where it has none; scorer_head: what it learned, if anything.
    by: of each pick, or for all, the name of what chose it, None for the strategy that was asked; rounds:
    int64 [n], in which round, from 1, None for all in one; chance: float64 [n], how likely a draw for this
    place brought this item, 1 where nothing was random, NaN where something was and nobody knows; None for
    all 1.
    """

    indices: Tensor
    worth: Tensor | None = None
    scorer_head: Head | None = None
    by: tuple[str | None, ...] | None = None
    rounds: Tensor | None = None
    chance: Tensor | None = None


def nothing() -> Tensor:
    """No pick: int64 [0]."""
    return torch.zeros(0, dtype=torch.int64)
