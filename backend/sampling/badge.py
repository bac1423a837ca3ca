"""BADGE: diverse gradient embeddings (Ash et al. 2020)."""

from __future__ import annotations

import torch

from backend.sampling import chance
from backend.sampling.scene import Picks, Scene


def badge(scene: Scene, n: int) -> Picks:
    """k-means++ seeding in the space of last-layer gradients, taken as if the prediction were the truth.

    A gradient is the outer product of (probabilities - predicted class) and the last hidden layer, so
    distances between two come from the products of their factors, and the [N, C * H] matrix is never built.
    Of an item with many units the most doubtful one stands for it.
    """
    layers = scene.most_doubtful
    hidden = layers.last_hidden  # [N, H]
    miss = layers.probabilities  # [N, C]
    miss.scatter_add_(1, miss.argmax(1, keepdim=True), torch.full_like(miss[:, :1], -1))
    square = (miss**2).sum(1) * (hidden**2).sum(1)  # squared length of each gradient
    before = len(scene.picked)
    picks = torch.cat([scene.picked, torch.empty_like(scene.shuffled[:n])])
    distance = torch.full_like(square, torch.inf)  # squared, to the nearest pick
    taken = torch.zeros_like(square, dtype=torch.bool)
    drawn = torch.ones(before + n, dtype=torch.float64, device=square.device)
    for i in range(before + n):
        weight = distance.masked_fill(taken, 0)
        if i < before:
            best = int(picks[i])
        elif i == 0:
            best = scene.best(square)
        elif weight.max() > 0:
            best = chance.race(weight, scene.lots, i)
            drawn[i] = weight[best] / weight.sum()
        else:  # all that is left equals a pick
            best = int(scene.lots.masked_fill(taken, 2).argmin())
        picks[i] = best
        taken[best] = True
        to_pick = square + square[best] - 2 * (miss @ miss[best]) * (hidden @ hidden[best])
        torch.minimum(distance, to_pick.clamp_(min=0), out=distance)
    return Picks(picks[before:], chance=drawn[before:])
