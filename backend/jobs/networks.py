"""The networks of a version: of the control that orders the queue, and of its companions."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from backend.controls.base import CLASSES, Control
from backend.controls.scheme import LabelScheme
from backend.jobs.taught import labeled as labeled_of
from backend.learning.training import Trained, train
from backend.settings import Settings
from backend.store.model_version import ControlModel
from backend.store.tasks import StoredTask


class Learned(NamedTuple):
    """Of one control: rows of the tasks with an answer, their classes, int64 [M], and what was trained on
    them; None while they are of fewer than two classes."""

    control: Control
    rows: Sequence[int]
    targets: Tensor
    trained: Trained | None


def companion_models(
    settings: Settings,
    scheme: LabelScheme,
    tasks: list[StoredTask],
    features: Tensor,
    ordering: Sequence[Learned],
) -> list[ControlModel]:
    """Of the companions with labels of two classes.

    ordering: of those that have a say in the queue; of the others no head needs verdicts.
    """
    made, known = [], {each.control.from_name: each.trained for each in ordering}
    for control in scheme.companions:
        answers = [task.others.get(control.from_name) for task in tasks]
        labeled, targets = labeled_of(control, answers)
        trained = known.get(control.from_name)
        if trained is not None:
            made.append(_model(settings, control, features[labeled], targets, trained))
        elif len(targets.unique()) > 1:
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
    return [_model(settings, scheme.main, features, targets, trained)]


def _model(
    settings: Settings, control: Control, features: Tensor, targets: Tensor, trained: Trained
) -> ControlModel:
    """Of a control that orders the queue."""
    beside = control.train_beside(features, targets, seed=settings.seed, device=settings.device)
    kept = copy.deepcopy(trained.network).cpu()  # itself it stays where it is, for the pool
    return ControlModel(control, {CLASSES: kept, **beside})


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
