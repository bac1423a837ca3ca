"""The networks of a version: of its own control, of how likely each choice is, of the other controls."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.jobs.taught import labeled as labeled_of
from backend.labelstudio.scheme import LabelScheme
from backend.learning.network import LayeredNetwork
from backend.learning.training import Trained, train, train_choices, train_network
from backend.settings import Settings
from backend.store.tasks import StoredTask


def companion_networks(
    settings: Settings, scheme: LabelScheme, tasks: list[StoredTask], features: Tensor
) -> tuple[tuple[LabelScheme, LayeredNetwork], ...]:
    """A network each for the other controls with labels of two classes. No head needs their verdicts."""
    made = []
    for companion in scheme.companions:
        name = companion.from_name
        labeled, targets = labeled_of(companion, [task.others.get(name) for task in tasks])
        if len(targets.unique()) > 1:
            seed, device = settings.seed, settings.device
            network = choices_network(settings, companion, features[labeled], targets) or train_network(
                features[labeled], targets, len(companion.labels), seed=seed, device=device
            )
            made.append((companion, network.cpu()))
    return tuple(made)


def choices_network(
    settings: Settings, scheme: LabelScheme, features: Tensor, targets: Tensor
) -> LayeredNetwork | None:
    """How likely each choice is; None where only one may be given, or there is one class of them."""
    if not scheme.several or len(targets.unique()) < 2:
        return None
    given = torch.from_numpy(scheme.membership())[targets]
    return train_choices(features, given, seed=settings.seed, device=settings.device).cpu()


def main_network(
    settings: Settings, features: Tensor, targets: Tensor, n_classes: int, together: Tensor
) -> Trained | None:
    """None while there are labels of fewer than two classes."""
    if len(targets.unique()) < 2:
        return None
    return train(
        features,
        targets,
        n_classes,
        folds=settings.folds,
        together=together,
        seed=settings.seed,
        device=settings.device,
    )
