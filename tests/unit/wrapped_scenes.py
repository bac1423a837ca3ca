"""Pools that somebody else's model answers, and fails on one kind of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.learning.wrapped import (
    Answers,
    Judged,
    WrappedLearned,
    WrappedModel,
    learned_of,
    weights_by_age,
)
from backend.wrapped.numbers import WIDTH


@dataclass(frozen=True)
class Weak:
    """features: float [N, D]; kind: bool [N], what the model always fails on, as sure of itself as elsewhere;
    answers: of all items."""

    features: Tensor
    kind: Tensor
    answers: Answers

    @classmethod
    def drawn(cls, seed: int, items: int = 400, dims: int = 16, share: float = 0.05) -> Weak:
        """Kinds of content lie in clusters, as encoders have them; the weak one is the smallest."""
        draw = torch.Generator().manual_seed(seed)
        few = round(items * share)
        of = torch.cat([torch.zeros(few), torch.randint(1, 8, (items - few,), generator=draw)]).long()
        of = of[torch.randperm(items, generator=draw)]
        middles = torch.randn(8, dims, generator=draw)
        rows = middles[of] + 0.6 * torch.randn(items, dims, generator=draw)
        sure = torch.from_numpy(np.random.default_rng(seed).beta(6, 2, items).astype(np.float32))
        said = torch.zeros(items, WIDTH)
        said[:, 2] = said[:, 3] = sure
        features = torch.nn.functional.normalize(rows, dim=1)
        return cls(features, of == 0, Answers(features, said, sure))

    def of(self, rows: Tensor) -> Answers:
        return Answers(*(each[rows] for each in self.answers))

    def learned(self, pool: Tensor, labelled: Tensor, versions: Tensor | None = None) -> WrappedLearned:
        """pool, labelled: int64, rows; versions: of the verdicts, see `weights_by_age`."""
        model = WrappedModel.of(self.of(torch.cat([pool, labelled])))
        agreement = (~self.kind[labelled]).float()
        weights = weights_by_age(torch.zeros_like(labelled) if versions is None else versions)
        judged = Judged(torch.arange(len(labelled)), self.of(labelled), agreement, weights)
        return learned_of(model, self.of(pool), judged, len(labelled))
