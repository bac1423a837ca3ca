"""Contrastive active learning (Margatina et al. 2021): alike to the encoder, unlike to the classifier."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.sampling.scene import Picks, Scene

NEIGHBOURS = 10
BATCH = 4_096


def contrastive(scene: Scene, n: int, *, neighbours: int = NEIGHBOURS) -> Picks:
    """Items whose prediction differs most from those for the labelled items nearest to them.

    The measure is the mean Kullback-Leibler divergence of the item's probabilities from its neighbours'.
    """
    log_labeled = scene.labeled_layers.logits.log_softmax(-1)  # [M, C]
    log_pool = scene.pool_layers.logits.log_softmax(-1)
    k = min(neighbours, len(scene.labeled))
    worth = torch.cat(
        [
            _divergence(rows, logs, scene.unit_labeled, log_labeled, k)
            for rows, logs in zip(scene.unit_pool.split(BATCH), log_pool.split(BATCH), strict=True)
        ]
    )
    return Picks(scene.top(worth, n), worth)


def _divergence(rows: Tensor, logs: Tensor, labeled: Tensor, log_labeled: Tensor, k: int) -> Tensor:
    """Mean KL(neighbour || item) over each item's k nearest labelled items: float [B]."""
    nearest = (rows @ labeled.T).topk(k, dim=1, sorted=False).indices  # [B, k]
    own_entropy = (log_labeled.exp() * log_labeled).sum(1)  # [M]
    # KL(p || q) = sum p log p - sum p log q; the neighbours' p can be averaged before the product with log q.
    mean_neighbour = log_labeled.exp()[nearest].mean(1)  # [B, C]
    return own_entropy[nearest].mean(1) - (mean_neighbour * logs).sum(1)
