"""Has the domain shifted? How well a domain head tells two kinds of items apart that it has not seen.

Both sides are dealt into halves; a head learns from one and is asked about the other (a classifier two-sample
test: Lopez-Paz & Oquab 2017, "Revisiting Classifier Two-Sample Tests").
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.learning.domain_head import held_out_logits, untrained_head
from backend.learning.network import Layers
from backend.learning.training import stratified_folds
from backend.sampling.scene import Scene
from backend.sampling.transfer import DOMAIN_SAMPLE, domains

FEWEST = 20
"""Items of a side below which halves say nothing."""
ODD = 0.1
"""Share of one side that counts as unlike the rest of it: the bar for the other side."""


@dataclass(frozen=True)
class Shift:
    """Of one side against another. auc: the chance that one of the first looks more like the first than one
    of the second does, 0.5 where there is no difference; error: its standard error; unlike: the share of the
    first that is unlike the second."""

    auc: float
    error: float
    unlike: float


def shift_of(scene: Scene) -> Shift | None:
    """What waits against what is labelled. None where too few are to tell.

    A strategy's choice of what to label is a difference, too: the most uncertain items are no fair sample.
    """
    if not scene.has_classifier or min(len(scene.labeled), scene.size) < FEWEST:
        return None
    layers, application = domains(scene)
    if min(int(application.sum()), int((~application).sum())) < FEWEST:
        return None
    return _apart(layers, application, scene)


def shift_of_new(scene: Scene, new: Tensor) -> Shift | None:
    """Waiting items that came lately against those that waited before, whatever was labelled; by the
    encoder's layers. new: bool [N]. None where too few are to tell."""
    order = scene.shuffled
    lately, before = order[new[order]][:DOMAIN_SAMPLE], order[~new[order]][:DOMAIN_SAMPLE]
    if min(len(lately), len(before)) < FEWEST:
        return None
    rows = torch.cat([before, lately])
    layers = Layers((), torch.zeros(len(rows), 0), scene.pool[rows])
    return _apart(layers, torch.arange(len(rows)) >= len(before), scene)


def _apart(layers: Layers, second: Tensor, scene: Scene) -> Shift:
    """second: bool [M], which side each is on."""
    head = untrained_head(layers, blocks=scene.blocks)
    said = held_out_logits(head, head.scaled(layers), second, scene.seed)
    half = stratified_folds(second.long(), 2, scene.seed)
    sides = [(said[(half == i) & second], said[(half == i) & ~second]) for i in range(2)]
    auc = sum(_auc(these, others) for these, others in sides) / 2
    unlike = sum(_unlike(these, others) for these, others in sides) / 2
    return Shift(auc, _error(auc, int((~second).sum()), int(second.sum())), unlike)


def _auc(higher: Tensor, lower: Tensor) -> float:
    """The chance that one of the first is above one of the second, ties counting half. float [N], [M]."""
    ordered = lower.sort().values
    below = torch.searchsorted(ordered, higher) + torch.searchsorted(ordered, higher, right=True)
    return float(below.double().mean() / (2 * len(lower)))


def _unlike(these: Tensor, others: Tensor) -> float:
    """The share of these beyond nearly all others, less what chance brings there."""
    beyond = float((these > others.quantile(1 - ODD)).double().mean())
    return max(0.0, (beyond - ODD) / (1 - ODD))


def _error(auc: float, n: int, m: int) -> float:
    """Hanley & McNeil 1982."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (n - 1) * (q1 - auc**2) + (m - 1) * (q2 - auc**2)
    return math.sqrt(max(spread, 0.0) / (n * m))
