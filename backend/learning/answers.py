"""Targets of two kinds: one class of several, or any number of choices; what both mean to a network.

Targets are int64 [M], a class each, or bool [M, C], which of C choices were given.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy


def losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Of each item, float [M]. logits: float [M, C]."""
    if targets.dtype == torch.bool:
        return binary_cross_entropy_with_logits(logits, targets.float(), reduction="none").sum(-1)
    return cross_entropy(logits, targets, reduction="none")


def weights(targets: Tensor, n_classes: int) -> Tensor:
    """What each item counts for, float32 [M], 1 in the mean: classes weigh the same however rare they are;
    where several choices may be given each item does."""
    if targets.dtype == torch.bool:
        return torch.ones(len(targets), device=targets.device)
    counts = torch.bincount(targets, minlength=n_classes)
    each = 1 / counts[targets].float()
    return each / each.mean()


def hits(logits: Tensor, targets: Tensor) -> Tensor:
    """How right the decided answer is, in [0, 1]: float64 [M]. Of choices it is the F1 of those decided (each
    more likely than not) and those given; 1 where both are none."""
    if targets.dtype != torch.bool:
        return (logits.argmax(-1) == targets).double()
    decided = logits >= 0
    both = (decided & targets).sum(-1).double()
    either = (decided.sum(-1) + targets.sum(-1)).double()
    return torch.where(either > 0, 2 * both / either.clamp(min=1), 1.0)


def temperature(logits: Tensor, targets: Tensor) -> float:
    """By which logits, of items that the network did not see, are to be divided for its probabilities to be
    as sure as they may be (Guo et al. 2017, "On Calibration of Modern Neural Networks"). In [1/4, 8]."""
    tried = torch.logspace(-2, 3, 51, base=2.0, dtype=torch.float64)
    found = torch.stack([losses(logits.double() / each, targets).mean() for each in tried])
    return float(tried[found.argmin()])
