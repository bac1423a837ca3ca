"""How far a classifier's probabilities may be taken at their word."""

from __future__ import annotations

import torch
from torch import Tensor

STEPS = torch.cat([torch.zeros(1), torch.logspace(-2, 0.6, 60)])
"""Values that are tried, 0 to 4."""
MOST = 4_000
"""Items that are looked at."""


def trust(logits: Tensor, targets: Tensor) -> float:
    """By what a classifier's logits should be multiplied for its doubt to mean something, from 0 to 4.

    It is one over the temperature (Guo et al. 2017) that makes held-out answers most likely, classes
    counting the same however rare they are, less one standard error: the least value whose log-likelihood
    is within 1/2 of the best. 0 where it was not shown that the classifier beats chance: then everything is
    equally doubtful.
    logits: float [M, C], of networks that did not see the items; targets: int64 [M] in [0, C).
    """
    logits, targets = logits[:MOST].float().cpu(), targets[:MOST].cpu()
    counts = torch.bincount(targets, minlength=logits.shape[1])
    weight = 1 / counts[targets].float()
    weight *= len(targets) / weight.sum()
    likelihood = torch.stack([_likelihood(logits * step, targets, weight) for step in STEPS])
    return float(STEPS[likelihood >= likelihood.max() - 0.5].min())


def _likelihood(logits: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
    each = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    return -(each * weight).sum()
