"""Optimal design: the batch whose labels would narrow the classifier's uncertainty over the pool the most.

Take the classifier's last step as a linear model with a Gaussian belief about its weights. A label for x
shrinks the belief's covariance along x, and with it the variance of every prediction that shares a
direction with x. Greedily choosing the labels that shrink the pool's total variance most is V-optimal
design (Fedorov 1972); for classifiers, with each item weighted by its Fisher information, it is the
method of Zhang & Oles 2000, Hoi et al. 2006 and BAIT (Ash et al. 2021).

A pick's effect is known before its label is: the update does not depend on it. It is what ATLAS assumes
of a sampled item, "it will be labelled and is then no longer uncertain", in closed form.
"""

from __future__ import annotations

import torch
from torch import Tensor


def v_optimal(
    candidates: Tensor,
    information: Tensor,
    known: Tensor,
    known_information: Tensor,
    target: Tensor,
    ridge: float,
    n: int,
) -> Tensor:
    """Greedy V-optimal batch: distinct candidate indices, best first, int64 [n].

    candidates: float [C, D]; information: float [C] >= 0, what a label of each would tell; known: float
    [M, D] and known_information: float [M], the labelled items; target: float [D, D], the weighted
    second moment of the items whose predictions matter; ridge: the prior's precision, > 0.
    Each pick costs two products of [C, D] with a vector.
    """
    rows, weight = candidates.float(), information.double()
    # Dimension by dimension, a product with a vector takes less than half the time, and of equal items
    # it is equal to the last bit.
    columns = rows.T.contiguous()  # [D, C]
    prior = ridge * torch.eye(rows.shape[1], dtype=torch.float64, device=rows.device)
    known = known.double()
    covariance = torch.linalg.inv(prior + (known.T * known_information.double()) @ known)  # [D, D]
    moment = target.double()
    spread = rows @ covariance.float()  # [C, D]
    variance = (spread * rows).sum(1).double()  # x' S x: how uncertain the prediction for x is
    reach = ((spread @ moment.float()) * spread).sum(1).double()  # x' S T S x: how much of it the pool shares
    picks = torch.empty(n, dtype=torch.int64, device=rows.device)
    taken = torch.zeros(len(rows), dtype=torch.bool, device=rows.device)
    for i in range(n):
        gain = weight * reach / (1 + weight * variance)
        picks[i] = best = int(gain.masked_fill_(taken, -torch.inf).argmax())
        taken[best] = True
        # Sherman-Morrison: the covariance loses `share` * along along'.
        along = covariance @ rows[best].double()  # [D]
        pulled = moment @ along
        share = weight[best] / (1 + weight[best] * variance[best])
        seen = (along.float() @ columns).double()  # [C]
        felt = ((covariance @ pulled).float() @ columns).double()  # [C]
        reach += share * seen * (share * (along @ pulled) * seen - 2 * felt)
        variance -= share * seen**2
        covariance.addr_(along, along, alpha=-float(share))
    return picks
