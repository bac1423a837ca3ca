"""How well answers that may be right in part agree with annotators on what waits, as audits show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backend import sampling
from backend.jobs.estimating import Estimated
from backend.jobs.summary import FEWEST_AUDITS
from backend.learning.estimates import Floats, Interval
from backend.learning.score_estimate import Verdicts, score_estimate
from backend.learning.units import UnitLayers, UnitsLearned

NEARLY_ALL = 0.95
"""Of the pool, that must be answered for its sureness to correct an estimate."""


@dataclass(frozen=True)
class EstimatedScore(Estimated):
    """score: the mean agreement with annotators, of an item that waits; None while audits are too few."""

    score: Interval | None = None

    def told(self, share: float) -> dict[str, Any]:
        base: dict[str, Any] = {"audited": self.audited, "share": share}
        return base if self.score is None else {"agreement": self.score.told(), **base}


def estimated_score(
    scene: sampling.Scene,
    learned: UnitsLearned,
    places: Sequence[int],
    agreement: Sequence[float],
    is_audit: Sequence[bool],
    weights: Tensor | None = None,
    answered: Tensor | None = None,
) -> EstimatedScore:
    """Of a scene of `learned`. By verdict, places: which of the labelled items it is on; agreement: in
    [0, 1], of a model that never saw the item with annotators; is_audit: whether the item was drawn at
    random; weights: float [m], how much it says of the model that there is now, None for the same; answered:
    bool [N], what of the pool the model has answered, None for all."""
    verdicts = Verdicts(
        np.asarray(agreement, np.float64),
        sure_of(learned.held_out)[list(places)].double().numpy(),
        np.asarray(is_audit, np.bool_),
        np.ones(len(places)) if weights is None else weights.double().numpy(),
    )
    n = sum(is_audit)
    is_told = n >= FEWEST_AUDITS and learned.pool.items > 0
    score = score_estimate(verdicts, _sure_of_all(learned.pool, answered)) if is_told else None
    return EstimatedScore(n, error_head=scene.error_head, score=score)


def _sure_of_all(pool: UnitLayers, answered: Tensor | None) -> Floats | None:
    """How sure a model is of what waits, float [N]. None where too few of that are answered: those are the
    ones that a strategy put in front, and tell nothing of the others."""
    if answered is not None and float(answered.double().mean()) < NEARLY_ALL:
        return None
    return sure_of(pool).double().numpy()


def sure_of(units: UnitLayers) -> Tensor:
    """How sure a model is of each item, float [items]: the mean of its units' largest probabilities; of one
    without units the mean of the others."""
    of_items = units.pooled(units.layers.probabilities.max(-1).values).cpu()
    known = (units.counts > 0).cpu()
    return of_items if not known.any() else torch.where(known, of_items, of_items[known].mean())
