"""What a strategy may look at: the pool, the labelled items, and a classifier trained on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from backend.learning.heads import ErrorHead, train_error_head
from backend.learning.network import Layers
from backend.learning.training import Trained, outputs, train


@dataclass
class Scene:
    """Everything is computed when first asked for and kept, so strategies pay only for what they use.

    pool: float [N, D]; labeled: float [M, D]; targets: int64 [M] in [0, n_classes).
    """

    pool: Tensor
    labeled: Tensor
    targets: Tensor
    n_classes: int
    seed: int = 0
    device: str = "cpu"
    given: Trained | None = None
    """A classifier trained already on `labeled`; without one the scene trains its own."""

    @cached_property
    def trained(self) -> Trained:
        if self.given is not None:
            return self.given
        return train(self.labeled, self.targets, self.n_classes, seed=self.seed, device=self.device)

    @cached_property
    def pool_layers(self) -> Layers:
        """The serving network's layers over the pool: hidden [N, width], logits [N, C]."""
        return outputs(self.trained.network, self.pool)

    @cached_property
    def probabilities(self) -> Tensor:
        """float32 [N, C]."""
        return self.pool_layers.logits.softmax(-1)

    @cached_property
    def error_head(self) -> ErrorHead | None:
        """None when the out-of-fold verdicts hold too few errors, or too few successes, to learn from."""
        verdicts = self.trained.out_of_fold
        return train_error_head(verdicts.probabilities, verdicts.last_hidden, verdicts.correct)

    def generator(self) -> torch.Generator:
        """A fresh random stream of this scene's seed."""
        return torch.Generator().manual_seed(self.seed)
