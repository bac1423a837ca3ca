"""Representative sampling by centroids (Munro, ch. 4.4): nearer to the target domain than to the labels.

The target domain is the pool, or what of it is named; both sides are one direction each: the sum of their
unit vectors.
"""

from __future__ import annotations

import torch
from torch import Tensor

from backend.sampling.scene import Picks, Scene


def representative(scene: Scene, n: int) -> Picks:
    """Items by cosine with the pool's centroid minus cosine with the labelled items' centroid."""
    worth = scene.unit_pool @ (_direction(_sum_of_target(scene)) - _direction(scene.unit_labeled.sum(0)))
    return Picks(scene.top(worth, n), worth)


def adaptive_representative(scene: Scene, n: int) -> Picks:
    """The same, one pick at a time: each pick joins the labelled side before the next is chosen.

    So a batch spreads over the domain instead of repeating its most typical item.
    """
    rows = scene.unit_pool
    labeled = scene.unit_known.sum(0)
    to_pool = rows @ _direction(_sum_of_target(scene))  # [N]
    to_labeled = rows @ labeled  # [N], not yet divided by the length of the sum
    taken = scene.is_picked.clone()
    picks = torch.empty(n, dtype=torch.int64, device=rows.device)
    worth = to_pool - to_labeled / labeled.norm().clamp(min=1e-12)
    for i in range(n):
        picks[i] = best = scene.best(worth.masked_fill(taken, -torch.inf))
        taken[best] = True
        labeled = labeled + rows[best]
        to_labeled.addmv_(rows, rows[best])
        worth = to_pool - to_labeled / labeled.norm().clamp(min=1e-12)
    return Picks(picks, worth)


def _sum_of_target(scene: Scene) -> Tensor:
    """Of the target domain's items at length 1, without a copy: float32 [D]."""
    return scene.unit_pool.sum(0) if scene.target is None else scene.target.float() @ scene.unit_pool


def _direction(vector: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vector, dim=0)
