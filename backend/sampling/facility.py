"""Greedy facility location: each pick adds most to how well every point is covered by its nearest pick.

Within 1 - 1/e of the best choice (Nemhauser, Wolsey & Fisher 1978); for choosing data by Wei, Iyer &
Bilmes 2015.
"""

from __future__ import annotations

import torch
from torch import Tensor

AT_ONCE = 64
"""Gains computed anew together: a matrix product of this many rows costs hardly more than one of one."""


def lazy_greedy(similarity: Tensor, covered: Tensor, n: int) -> Tensor:
    """The greedy picks, int64 [n], with most gains never computed again (Minoux 1978).

    similarity: float [candidates, points] >= 0; covered: float [points], by what is labelled.
    An item's gain only shrinks as others are picked, so an old gain bounds the present one from above,
    and an item whose fresh gain beats all other bounds is the best.
    """
    bound = (similarity - covered).clamp_(min=0).sum(dim=1)
    picks = torch.empty(n, dtype=torch.int64, device=bound.device)
    for i in range(n):
        while True:
            stale = bound.topk(min(AT_ONCE, len(bound))).indices
            bound[stale] = torch.where(
                bound[stale] < 0, bound[stale], (similarity[stale] - covered).clamp_(min=0).sum(dim=1)
            )
            best = int(stale[bound[stale].argmax()])
            if bound[best] >= bound.max():  # with ties the best need not be the one argmax names
                break
        picks[i] = best
        bound[best] = -torch.inf
        covered = torch.maximum(covered, similarity[best])
    return picks
