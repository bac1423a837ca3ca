"""Discriminative active learning (Gissin & Shalev-Shwartz 2019): what looks least like anything labelled."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from backend.sampling.rounds import ROUNDS, sizes
from backend.sampling.scene import Picks, Scene

SAMPLE = 1_000
"""Pool items the discriminator learns from: a random sample."""


def discriminative(scene: Scene, n: int, *, rounds: int = ROUNDS) -> Picks:
    """A logistic regression tells labelled from unlabelled; the most surely unlabelled come first.

    In rounds: what was picked counts as labelled in the next, and no longer as unlabelled. With nothing
    labelled, at random.
    """
    rows = scene.unit_pool
    if not len(scene.labeled):
        return Picks(scene.shuffled[:n])
    sample = scene.shuffled[: SAMPLE + n]  # n more than are needed: picks leave it
    discriminator = LogisticRegression(C=10, class_weight="balanced", warm_start=True)
    taken = torch.zeros(scene.size, dtype=torch.bool, device=rows.device)
    picks, worth = scene.shuffled[:0], rows.new_zeros(scene.size)
    for size in sizes(n, rounds):
        known = torch.cat([scene.unit_labeled, rows[picks]])
        inputs = torch.cat([known, rows[sample[~taken[sample]]]]).cpu().numpy()
        discriminator.fit(inputs, np.arange(len(inputs)) >= len(known))
        worth = rows @ torch.from_numpy(discriminator.coef_[0]).to(rows)
        chosen = scene.top(worth.masked_fill(taken, -torch.inf), size)
        taken[chosen] = True
        picks = torch.cat([picks, chosen])
    return Picks(picks, worth)
