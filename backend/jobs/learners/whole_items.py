"""An answer about a whole text or image: one vector each, a network of classes on top."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any

import torch
from sklearn.metrics import f1_score
from torch import Tensor

from backend import sampling
from backend.controls.base import CLASSES, Control
from backend.jobs.choosing import Lesson
from backend.jobs.estimating import Estimated, estimated
from backend.jobs.learners.base import Asked, HeldOut, Learned
from backend.jobs.learners.trained_here import TrainedHere, VectorLearner
from backend.learning.network import Layers
from backend.learning.training import Trained, train
from backend.settings import Settings
from backend.store.model_version import ControlModel


class WholeItems(VectorLearner):
    """Trained once there are labels of two classes."""

    def learn(self, control: Control) -> Learned:
        taught = self.material.taught(control)
        features = self.vectors(taught.rows)
        trained = classifier(self.settings, features, taught.targets, len(control.classes), taught.together)
        return LearnedWhole(self, control, taught, trained)

    def learn_alone(self, control: Control) -> ControlModel | None:
        taught = self.material.taught(control)
        if len(taught.targets.unique()) < 2:
            return None
        settings, features = self.settings, self.vectors(taught.rows)
        networks = control.train_alone(features, taught.targets, seed=settings.seed, device=settings.device)
        return ControlModel(control, networks)


class LearnedWhole(TrainedHere[Trained]):
    is_forecast = True

    def model(self) -> ControlModel | None:
        if self.trained is None:
            return None
        features = self.learner.vectors(self.taught.rows)
        return kept(self.learner.settings, self.control, features, self.taught.targets, self.trained)

    def scene(self, asked: Asked) -> sampling.Scene:
        n_classes = len(self.control.classes)
        return self.make_scene(asked, self.taught.targets, n_classes=n_classes, trained=self.trained)

    def how_well(self, scene: sampling.Scene) -> dict[str, Any]:
        """By cross-validation, and, as the error head estimates it, on the tasks that still wait. The
        former is lower where the queue serves hard tasks first."""
        if self.trained is None:
            return {}
        held_out, estimate = self.trained.out_of_fold, scene.estimated_accuracy
        predicted = held_out.layers.logits.argmax(-1)
        f1 = f1_score(self.taught.targets, predicted, average="macro", zero_division=0)
        return {
            "accuracy": round(float(held_out.correct.float().mean()), 4),
            "macro_f1": round(float(f1), 4),
            "estimated_accuracy": None if estimate is None else round(estimate, 4),
            **self._measures(),
        }

    def estimated(self, scene: sampling.Scene, audits: AbstractSet[int]) -> Estimated | None:
        if self.trained is None or not (self.learner.settings.audit_share or audits):
            return None
        tasks, taught = self.learner.material.tasks, self.taught
        drawn = [tasks[row].id in audits for row in taught.rows[: taught.own]]
        is_audit = torch.zeros(len(taught.rows), dtype=torch.bool)
        is_audit[: taught.own] = torch.tensor(drawn, dtype=torch.bool)
        return estimated(scene, is_audit, self.control.classes, self.learner.settings.seed)

    def held_out(self) -> HeldOut | None:
        if self.trained is None or not self.taught.own:
            return None
        own = slice(self.taught.own)
        if self._shown_of_unseen is not None:
            said = self.control.decide(self._shown_of_unseen.rows(own)).answers
        else:  # decided by a network that has seen the task: its likeliest answer then
            likeliest = self.trained.out_of_fold.layers.rows(own).logits.argmax(-1)
            said = [self.control.classes[i] for i in likeliest.tolist()]
        tasks = [self.learner.material.tasks[row].id for row in self.taught.rows[: self.taught.own]]
        return HeldOut(tasks, said, self.taught.said)

    @cached_property
    def _shown_of_unseen(self) -> Layers | None:
        assert self.trained is not None
        held_out, taught = self.trained.out_of_fold.layers, self.taught
        features = self.learner.vectors(taught.rows)
        return self.control.shown_of_unseen(held_out, features, taught.targets, taught.together)

    def _measures(self) -> dict[str, float]:
        """What a control measures its answers by beside their being equal."""
        if self._shown_of_unseen is None or not self.taught.own:
            return {}
        predicted = self.control.decide(self._shown_of_unseen.rows(slice(self.taught.own))).answers
        return {
            name: round(each, 4) for name, each in self.control.score(predicted, self.taught.said).items()
        }

    def labels(self) -> dict[str, int]:
        return dict(Counter(self.taught.given[: self.taught.own]))

    def lesson(self) -> Lesson | None:
        if self.trained is None or self.control.source.is_fetched:
            return None
        texts, taught = self.learner.material.texts(self.taught.rows), self.taught
        return Lesson(texts, taught.targets.tolist(), taught.together.tolist(), len(self.control.classes))


def classifier(
    settings: Settings, features: Tensor, targets: Tensor, n_classes: int, together: Tensor
) -> Trained | None:
    """None while there are labels of fewer than two classes. Arguments as of `train`."""
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


def kept(
    settings: Settings, control: Control, features: Tensor, targets: Tensor, trained: Trained
) -> ControlModel:
    """What a version keeps of a control that orders the queue."""
    beside = control.train_beside(features, targets, seed=settings.seed, device=settings.device)
    network = copy.deepcopy(trained.network).cpu()  # itself it stays where it is, for the pool
    return ControlModel(control, {CLASSES: network, **beside})
