"""Uncertainty sampling (Munro, *Human-in-the-Loop Machine Learning*, ch. 3; Settles 2009, sec. 3.1).

Each function maps probabilities, float [N, C], to uncertainty, float [N] in [0, 1]: higher = label sooner.
All are finite for certain predictions (a probability of exactly 0 or 1).
"""

from __future__ import annotations

import math

from torch import Tensor, special


def least_confidence(probabilities: Tensor) -> Tensor:
    """1 - P(best class), scaled so that a uniform distribution gives 1."""
    n_classes = probabilities.shape[-1]
    return (1 - probabilities.max(dim=-1).values) * (n_classes / (n_classes - 1))


def margin(probabilities: Tensor) -> Tensor:
    """1 - (P(best) - P(second best)) (Scheffer et al. 2001)."""
    two = probabilities.topk(2, dim=-1).values
    return 1 - (two[..., 0] - two[..., 1])


def ratio(probabilities: Tensor) -> Tensor:
    """P(second best) / P(best)."""
    two = probabilities.topk(2, dim=-1).values
    return two[..., 1] / two[..., 0]


def entropy(probabilities: Tensor) -> Tensor:
    """Shannon entropy, scaled so that a uniform distribution gives 1 (Shannon 1948)."""
    return special.entr(probabilities).sum(dim=-1) / math.log(probabilities.shape[-1])


MEASURES = {"least_confidence": least_confidence, "margin": margin, "ratio": ratio, "entropy": entropy}
"""By the names that options have for them."""
