"""Discriminative active learning (Gissin & Shalev-Shwartz 2019): what looks least like anything labelled."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from backend.sampling.rounds import Worth, in_rounds
from backend.sampling.scene import Picks, Scene

SAMPLE = 1_000
"""Pool items the discriminator learns from: a random sample."""


def discriminative(scene: Scene, n: int, *, round: int | None = None) -> Picks:
    """A logistic regression tells labelled from unlabelled; the most surely unlabelled come first.

    In rounds: what was picked counts as labelled in the next, and no longer as unlabelled. With nothing
    labelled, at random. round: items in a round; as `rounds.sizes` says by default.
    """
    rows = scene.unit_pool
    if not len(scene.labeled):
        return Picks(scene.first_shuffled(n))
    discriminator = LogisticRegression(C=10, class_weight="balanced", warm_start=True)

    def learn(now: Scene, chosen: Tensor) -> Worth:
        waiting = now.application
        sample = rows[waiting[~now.is_picked[waiting]][:SAMPLE]]
        inputs = torch.cat([now.unit_known, sample]).cpu().numpy()
        discriminator.fit(inputs, np.arange(len(inputs)) >= len(inputs) - len(sample))
        direction = torch.from_numpy(discriminator.coef_[0]).to(rows)
        return lambda part: part.unit_pool @ direction

    first = learn(scene, scene.picked)
    picks, rounds = in_rounds(scene, n, round, first, learn)
    return Picks(picks, first(scene), rounds=rounds)
