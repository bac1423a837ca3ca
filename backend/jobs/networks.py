"""The networks of a version: of the control that orders the queue, and of its companions."""

from __future__ import annotations

import copy

from torch import Tensor

from backend.controls.base import CLASSES
from backend.controls.scheme import LabelScheme
from backend.jobs.taught import labeled as labeled_of
from backend.learning.training import Trained, train
from backend.settings import Settings
from backend.store.model_version import ControlModel
from backend.store.tasks import StoredTask


def companion_models(
    settings: Settings, scheme: LabelScheme, tasks: list[StoredTask], features: Tensor
) -> list[ControlModel]:
    """Of the companions with labels of two classes. No head needs their verdicts."""
    made = []
    for control in scheme.companions:
        answers = [task.others.get(control.from_name) for task in tasks]
        labeled, targets = labeled_of(control, answers)
        if len(targets.unique()) > 1:
            networks = control.train_alone(
                features[labeled], targets, seed=settings.seed, device=settings.device
            )
            made.append(ControlModel(control, networks))
    return made


def main_model(
    settings: Settings, scheme: LabelScheme, features: Tensor, targets: Tensor, trained: Trained | None
) -> list[ControlModel]:
    """Of the control that orders the queue; [] while it is not trained."""
    if trained is None:
        return []
    control = scheme.main
    beside = control.train_beside(features, targets, seed=settings.seed, device=settings.device)
    kept = copy.deepcopy(trained.network).cpu()  # itself it stays where it is, for the pool
    return [ControlModel(control, {CLASSES: kept, **beside})]


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
