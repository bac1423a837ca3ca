"""A scene of items as adapted networks see them: each sibling has layers of its own below it."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.learning.network import Layers
from backend.learning.training import OutOfFold, layers_by_member
from backend.sampling.kept import once_per_pool
from backend.sampling.scene import Scene


@dataclass
class ViewsScene(Scene):
    """pool, labeled: by the network that was adapted to all labels; by_fold: float [K, N, D], the pool as
    each sibling sees it (`learning.views`)."""

    by_fold: Tensor = field(default_factory=lambda: torch.zeros(0, 0, 0))

    @once_per_pool
    def member_probabilities(self) -> Tensor:
        rows = torch.arange(self.size, device=self.pool.device)
        each = [self.by_siblings(rows, torch.full_like(rows, fold)) for fold in range(len(self.by_fold))]
        return torch.stack([layers.probabilities for layers in each])

    @property
    def verdicts(self) -> OutOfFold:
        """With the vectors that a sibling had of each item, which are not those that it was adapted to."""
        return self.trained.out_of_fold

    def by_siblings(self, rows: Tensor, turn: Tensor) -> Layers:
        which = turn % len(self.by_fold)
        return layers_by_member(self.trained.siblings, self.by_fold[which, rows], which)

    def without_picked(self, rows: Tensor) -> Scene:
        part = super().without_picked(rows)
        assert isinstance(part, ViewsScene)
        part.by_fold = self.by_fold[:, rows]
        return part
