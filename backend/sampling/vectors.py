"""What goes by the items' vectors alone: their directions, and the order of chance, by which equal ones are
told apart."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from backend.sampling import chance
from backend.sampling.kept import once_per_labels, once_per_pool
from backend.sampling.rows import unit_rows


class Vectors:
    """pool: float [N, D]; labeled: float [M, D]; target: bool [N] or None; picked: int64 [p]; see `Scene`."""

    pool: Tensor
    labeled: Tensor
    target: Tensor | None
    seed: int
    picked: Tensor

    @property
    def size(self) -> int:
        return len(self.pool)

    @property
    def left(self) -> int:
        """How many may still be picked."""
        return self.size - len(self.picked)

    @cached_property
    def is_picked(self) -> Tensor:
        """bool [N]."""
        return torch.zeros(self.size, dtype=torch.bool, device=self.pool.device).index_fill_(
            0, self.picked, True
        )

    @once_per_pool
    def lots(self) -> Tensor:
        """A number per item that looks random but goes with its content: float64 [N]."""
        return chance.lots(self.pool, self.seed)

    @once_per_pool
    def shuffled(self) -> Tensor:
        """The pool in random order: int64 [N]."""
        return self.lots.argsort(stable=True)

    def first_shuffled(self, n: int) -> Tensor:
        """The first n in random order that are not picked: int64 [n]."""
        first = self.shuffled[: n + len(self.picked)]
        return first[~self.is_picked[first]][:n]

    def descending(self, worth: Tensor) -> Tensor:
        """All indices by falling worth, ties by lot: int64 [N]."""
        return chance.descending(worth, self.pool, self.seed)

    def top(self, worth: Tensor, n: int) -> Tensor:
        """The n indices of most worth that are not picked yet, ties by lot: int64 [n]."""
        if len(self.picked):
            worth = worth.masked_fill(self.is_picked, -torch.inf)
        return chance.top(worth, n, self.pool, self.seed)

    def best(self, worth: Tensor) -> int:
        """The index of most worth, ties by lot."""
        tied = (worth == worth.max()).nonzero().squeeze(1)
        return int(tied) if len(tied) == 1 else int(tied[self.lots[tied].argmin()])

    @property
    def application(self) -> Tensor:
        """Those pool items in which the target domain is seen, in random order: int64 [n]. All items once
        those are picked."""
        if self.target is None or not (self.target & ~self.is_picked).any():
            return self.shuffled
        return self.shuffled[self.target[self.shuffled]]

    @once_per_pool
    def unit_pool(self) -> Tensor:
        """The pool's rows at length 1 (all-zero rows stay so), float32 [N, D]."""
        return unit_rows(self.pool)

    @once_per_labels
    def unit_labeled(self) -> Tensor:
        """float32 [M, D]."""
        return unit_rows(self.labeled)

    @property
    def unit_known(self) -> Tensor:
        """What is labelled or will be, float32 [M + p, D]."""
        return torch.cat([self.unit_labeled, self.unit_pool[self.picked]])
