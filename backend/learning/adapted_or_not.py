"""Is the adapted network better than the frozen one? By items that neither has seen.

In each fold both are trained on the rest, the adapted one starting from the frozen one. The adapted one is
better where it is right more often by more than `MARGIN` standard errors of the paired differences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from backend.learning.answers import hits, temperature
from backend.learning.fine_tuning import Material, adapted_features, fine_tune, fitted
from backend.learning.training import groups, outputs, stratified_folds

FOLDS = 3
"""Each costs a fine-tuning of the rest."""
MARGIN = 1.0
MIN_ITEMS = 30
"""Labelled items below which nothing is tried."""


@dataclass(frozen=True)
class Compared:
    """frozen, adapted: how right each was on held-out items; error: the standard error of the difference."""

    frozen: float
    adapted: float
    error: float

    @property
    def gain(self) -> float:
        return self.adapted - self.frozen

    @property
    def is_better(self) -> bool:
        return self.gain > MARGIN * self.error


@dataclass(frozen=True)
class ComparedNetworks(Compared):
    """How right in the mean, by `answers.hits`. temperature: of the adapted one (`answers.temperature`);
    folds: of each fold the blocks that were adapted without it; fold_of: int64 [M], the fold of each item."""

    temperature: float
    folds: tuple[nn.Module, ...] = field(default=(), compare=False)
    fold_of: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64), compare=False)


def compare(
    material: Material,
    together: Tensor,
    *,
    seed: int = 0,
    device: str = "cpu",
    step_done: Callable[[], object] = lambda: None,
    keep_folds: bool = True,
) -> ComparedNetworks:
    """together: int64 [M], equal for items that must be in one fold, such as copies; keep_folds: whether what
    was adapted without each fold is told, too."""
    fold_of = folds_of(material.targets, together, seed)
    frozen = torch.zeros(len(material), material.n_classes)
    adapted, folds = frozen.clone(), list[nn.Module]()
    for fold in range(FOLDS):
        rest, held = (fold_of != fold).nonzero()[:, 0], (fold_of == fold).nonzero()[:, 0]
        network = fitted(material, rest, seed=seed, device=device)
        frozen[held] = outputs(network, material.features[held]).logits
        made = fine_tune(material, rest, network, seed=seed, device=device, step_done=step_done)
        with torch.no_grad():
            for some in held.split(64):
                found = adapted_features(material, made.blocks, some, device)
                adapted[some] = made.network(found).logits[0].cpu()
        if keep_folds:
            folds.append(made.blocks)
    return replace(compared(frozen, adapted, material.targets), folds=tuple(folds), fold_of=fold_of)


def compared(frozen: Tensor, adapted: Tensor, targets: Tensor) -> ComparedNetworks:
    """By what both say of M held-out items: logits, float [M, C]."""
    before, after = hits(frozen, targets), hits(adapted, targets)
    error = float((after - before).std() / len(targets) ** 0.5)
    return ComparedNetworks(float(before.mean()), float(after.mean()), error, temperature(adapted, targets))


def folds_of(targets: Tensor, together: Tensor, seed: int) -> Tensor:
    """The fold of each item, int64 [M]; classes, or sets of choices, are spread evenly."""
    classes = targets
    if targets.dtype == torch.bool:
        classes = targets.unique(dim=0, return_inverse=True)[1]
    first, which = groups(together, len(targets))
    return stratified_folds(classes[first], FOLDS, seed)[which]
