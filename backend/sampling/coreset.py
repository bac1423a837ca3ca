"""Greedy core-set: cover the pool (Sener & Savarese 2018; farthest-first traversal, Gonzalez 1985)."""

from __future__ import annotations

import torch

from backend.sampling.scene import Picks, Scene


def coreset(scene: Scene, n: int) -> Picks:
    """Each pick is the item farthest, by cosine, from everything labelled or picked before.

    With nothing labelled yet the first pick is the item farthest from the pool's mean.
    """
    rows = scene.unit_pool
    known = scene.unit_known
    covered = known if len(known) else rows.mean(0, keepdim=True)
    nearest = rows.new_full((scene.size,), -torch.inf)  # cosine with the nearest covered item
    for block in covered.split(256):
        nearest = torch.maximum(nearest, (rows @ block.T).max(dim=1).values)
    taken = scene.is_picked.clone()
    picks = torch.empty(n, dtype=torch.int64, device=rows.device)
    for i in range(n):
        picks[i] = best = scene.best((-nearest).masked_fill_(taken, -torch.inf))
        taken[best] = True
        torch.maximum(nearest, rows @ rows[best], out=nearest)
    return Picks(picks, -nearest)
