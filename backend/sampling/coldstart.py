"""Which items first, while there is nothing to learn from: typical of the pool, and diverse.

Greedy facility location: each pick is the item that adds most to how well every item of the pool is
represented by its nearest pick (Nemhauser, Wolsey & Fisher 1978: within 1 - 1/e of the best choice;
Wei, Iyer & Bilmes 2015 for data subset selection). Dense regions come first, then what they leave out.
"""

from __future__ import annotations

import torch
from torch import Tensor

from backend.sampling.scene import Picks, Scene

NAME = "cold_start"
NO_CLASSES = "labels of fewer than two classes: cold start"
MAX_CANDIDATES = 20_000
MAX_REFERENCES = 2_000
"""Items that may be picked, and items that must be represented: random samples of larger pools."""
AT_ONCE = 64
"""Gains computed anew together: a matrix product of this many rows costs hardly more than one of one."""


def cold_start(scene: Scene, n: int) -> Picks:
    """The first MAX_CANDIDATES picks by facility location, whatever is asked beyond them at random."""
    candidates = scene.shuffled[:MAX_CANDIDATES]
    rows = scene.unit_pool
    references = rows[scene.shuffled[:MAX_REFERENCES]]
    similarity = (rows[candidates] @ references.T).clamp_(min=0)  # [candidates, references]
    covered = references.new_zeros(len(references))
    if len(scene.labeled):
        covered = (references @ scene.unit_labeled.T).clamp(min=0).max(dim=1).values
    first = candidates[_lazy_greedy(similarity, covered, min(n, len(candidates)))]
    rest = scene.shuffled[len(candidates) :][: n - len(first)]
    chance = torch.full((n,), torch.nan if len(rest) else 1.0, dtype=torch.float64, device=rows.device)
    return Picks(torch.cat([first, rest]), by=(NAME,) * n, chance=chance)


def _lazy_greedy(similarity: Tensor, covered: Tensor, n: int) -> Tensor:
    """The greedy picks, int64 [n], with most gains never computed again (Minoux 1978).

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
