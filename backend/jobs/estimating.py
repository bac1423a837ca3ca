"""How right the model is on what waits, as audits show, and the error head that they correct."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from backend import sampling
from backend.jobs.summary import FEWEST_AUDITS
from backend.learning.calibrated import sure_head
from backend.learning.estimates import MOST_ITEMS, Estimate, Judged, believed, estimate
from backend.learning.heads import ErrorHead
from backend.learning.network import Layers


@dataclass(frozen=True)
class Estimated:
    """audited: how many labels are of tasks drawn at random; found: None while that is too few to tell;
    error_head: None where there is nothing to correct one by, and none is asked for; of_class: how many of
    the audits are of each class that has labels, by its number."""

    audited: int = 0
    found: Estimate | None = None
    classes: Sequence[str] = ()
    error_head: ErrorHead | None = None
    of_class: Mapping[int, int] = field(default_factory=dict)

    def told(self, share: float) -> dict[str, Any]:
        """For a version's stats. share: of what is served that is drawn at random."""
        base = {"audited": self.audited, "share": share}
        if self.found is None:
            return base
        return {
            "accuracy": self.found.accuracy.told(),
            "f1_macro": self.found.f1_macro.told(),
            "per_class": {self.classes[i]: each.told() for i, each in self.found.per_class.items()},
            "audited_of": {self.classes[i]: count for i, count in self.of_class.items()},
            **base,
        }


def estimated(scene: sampling.Scene, audits: Tensor, classes: Sequence[str], seed: int) -> Estimated:
    """Of a scene with a classifier. audits: bool [M], which of its labelled items were drawn at random."""
    verdicts, n = scene.verdicts, int(audits.sum())
    if not len(scene.pool):  # nothing waits that an estimate could be about
        return Estimated(n, error_head=scene.error_head)
    head = sure_head(verdicts, audits)
    pool = _some(scene.pool_layers, seed)
    known, actual = verdicts.layers.rows(audits), scene.targets[audits].numpy()
    numbers = scene.targets.unique().numpy()
    waiting = _judged(head, pool)
    belief = believed(waiting, len(audits))
    found = estimate(waiting, _judged(head, known), actual, belief, classes=numbers, seed=seed)
    corrected = head.corrected(found.shift, found.spread)
    of_class = {int(each): int((actual == each).sum()) for each in numbers}
    return Estimated(n, found if n >= FEWEST_AUDITS else None, classes, corrected, of_class)


def _some(pool: Layers, seed: int) -> Layers:
    """At most MOST_ITEMS of it, at random."""
    pool = pool._replace(features=None).to("cpu")
    if len(pool.logits) <= MOST_ITEMS:
        return pool
    rows = torch.randperm(len(pool.logits), generator=torch.Generator().manual_seed(seed))
    return pool.rows(rows[:MOST_ITEMS])


def _judged(head: ErrorHead, layers: Layers) -> Judged:
    right = 1 - head(layers).double()
    return Judged(right.numpy(), layers.probabilities.double().numpy())
