"""Which given labels are likely wrong: those that networks which never saw them contradict with confidence.

What held-out probabilities say of the given class is a label's quality in confident learning (Northcutt,
Jiang & Chuang 2021; Kuan & Mueller 2022: "normalized margin").
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from backend.learning.training import FOLDS, train

REPEATS = 3
"""Cross-validations with other folds, whose probabilities are averaged."""


class Suspected(NamedTuple):
    """doubts: float32 [M] in [-1, 1], how much likelier the likeliest other class is than the given one;
    instead: int64 [M], that class; above 0 the network would say it in the given one's place."""

    doubts: Tensor
    instead: Tensor


def suspected(probabilities: Tensor, targets: Tensor) -> Suspected:
    """probabilities: float [M, C], of networks that never saw the item; targets: int64 [M], as labelled."""
    rows = torch.arange(len(targets))
    given = probabilities[rows, targets]
    others = probabilities.clone()
    others[rows, targets] = -1
    best, instead = others.max(1)
    return Suspected(best - given, instead)


def held_out_probabilities(
    features: Tensor,
    targets: Tensor,
    n_classes: int,
    *,
    repeats: int = REPEATS,
    folds: int = FOLDS,
    seed: int = 0,
    device: str = "cpu",
    together: Tensor | None = None,
) -> Tensor:
    """What networks that never saw an item say of it, float32 [M, C]: the mean over `repeats` splits.

    Arguments and errors as of `train`.
    """
    said = [
        train(
            features, targets, n_classes, folds=folds, seed=seed + turn, device=device, together=together
        ).out_of_fold.layers.probabilities
        for turn in range(repeats)
    ]
    return torch.stack(said).mean(0)
