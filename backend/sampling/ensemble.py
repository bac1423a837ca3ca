"""Disagreement of the k-fold siblings: query by committee without training a committee.

The siblings come for free with cross-validation; they differ by the tenth of the labels each has not
seen, so where they disagree, the labels at hand do not settle the matter.
"""

from __future__ import annotations

import torch
from torch import Tensor

from backend.sampling import uncertainty


def bald(member_probabilities: Tensor) -> Tensor:
    """Mutual information of prediction and member, in nats: float [N] (Houlsby et al. 2011).

    member_probabilities: float [K, N, C]. The entropy of the mean minus the mean entropy: high where
    each member is sure and they contradict each other.
    """
    of_mean = torch.special.entr(member_probabilities.mean(0)).sum(-1)
    mean_of = torch.special.entr(member_probabilities).sum(-1).mean(0)
    return (of_mean - mean_of).clamp_(min=0)


def margin_of_mean(member_probabilities: Tensor) -> Tensor:
    """Margin of what the members say on average, float [N]. member_probabilities: float [K, N, C]."""
    return uncertainty.margin(member_probabilities.mean(0))


def entropy_of_mean(member_probabilities: Tensor) -> Tensor:
    """Entropy of the same, float [N]: what each doubts and what they disagree on, together."""
    return uncertainty.entropy(member_probabilities.mean(0))


def variation_ratios(member_probabilities: Tensor) -> Tensor:
    """Share of members that vote against the most voted class, float [N] (Freeman 1965).

    member_probabilities: float [K, N, C]. There are only K different values, so the mutual information
    decides between equal votes; it is made too small to do more.
    """
    members, _, classes = member_probabilities.shape
    votes = member_probabilities.argmax(-1)  # [K, N]
    counts = torch.stack([(votes == label).sum(0) for label in range(classes)])  # [C, N]
    tie_break = bald(member_probabilities).tanh() / (2 * members)
    return 1 - counts.max(0).values / members + tie_break
