"""Answers of somebody else's ML backend: none of our networks predicts them, heads tell where they are wrong.

A verdict is what it said of a task before it could learn of the task's annotation, against that annotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from backend import sampling
from backend.controls.base import CLASSES, Control
from backend.jobs.estimating import Estimated
from backend.jobs.estimating_scores import estimated_score
from backend.jobs.learners.base import Asked, HeldOut, Learned, Learner
from backend.jobs.material import Material
from backend.jobs.taught import Taught
from backend.learning.wrapped import (
    Answers,
    Judged,
    WrappedLearned,
    WrappedModel,
    learned_of,
    weights_by_age,
)
from backend.settings import Settings
from backend.store.model_version import ControlModel
from backend.wrapped.heard import Heard, agreement
from backend.wrapped.numbers import Numbers, numbers_of

UNREAD = "what tasks show cannot be read here: they go by what the wrapped backend says of them"
BY_CHANCE = (
    "what tasks show cannot be read here: their order is by chance until the wrapped backend has answered"
)


class Wrapped(Learner):
    """Trained once its backend has said something of any task."""

    def learn(self, control: Control) -> Learned:
        return LearnedOfAnother(self.settings, self.material, control, self.material.taught(control))

    def learn_alone(self, control: Control) -> ControlModel | None:
        """Its backend answers this, too."""
        return None


@dataclass(frozen=True)
class LearnedOfAnother(Learned):
    """taught: of the labelled tasks, whether anything was said of them or not."""

    settings: Settings
    material: Material
    control: Control
    taught: Taught

    @property
    def is_trained(self) -> bool:
        return not self._heard.is_silent

    def model(self) -> ControlModel | None:
        """By which tasks that come later find their place."""
        if not self.is_trained:
            return None
        return ControlModel(self.control, dict.fromkeys({CLASSES, self.control.shows}, self._model))

    def scene(self, asked: Asked) -> sampling.Scene:
        """While nothing was said, for the cold start, which needs no answer."""
        rows, waiting = self.taught.rows, self.material.waiting
        scene = sampling.make_scene(
            self.material.features[waiting],
            self.material.features[rows],
            torch.zeros(len(rows), dtype=torch.int64),
            batch=asked.batch,
            seed=self.settings.seed,
            device=self.settings.device,
            trained=self._learned if self.is_trained else None,
            blocks=self.material.pool.blocks,
            target=asked.target,
            fields={n: ([of[i] for i in waiting], [of[i] for i in rows]) for n, of in asked.fields.items()},
        )
        if not self.control.source.is_read:
            scene.notes.append(UNREAD if self.is_trained else BY_CHANCE)
        return scene

    def how_well(self, scene: sampling.Scene) -> dict[str, Any]:
        """How far its answers agreed with annotators' before it could learn from these, on all of its
        versions and on the newest judged one, and, as the error head estimates it, on what still waits."""
        judged, estimate = self._judged, scene.estimated_accuracy if self.is_trained else None
        told: dict[str, Any] = {"judged": len(judged.item)}
        if len(judged.item):
            ages = self._ages
            newest = ages == ages.max()
            told |= {
                "version": self._heard.judged[self._task(int(ages.argmax()))].version,
                "agreement": round(float(judged.agreement.mean()), 4),
                "agreement_newest": round(float(judged.agreement[newest].mean()), 4),
                "judged_newest": int(newest.sum()),
                "estimated_agreement": None if estimate is None else round(estimate, 4),
            }
        return {"verdicts": told}

    def estimated(self, scene: sampling.Scene, audits: AbstractSet[int]) -> Estimated | None:
        """Of the verdicts on its newest version; older ones count less. A drawn task of which nothing was
        said before its annotation was learned of has no verdict, so it is no audit."""
        if not self.is_trained or not (self.settings.audit_share or audits):
            return None
        judged = self._judged
        is_audit = [self._task(verdict) in audits for verdict in range(len(self._places))]
        agreed = judged.agreement.tolist()
        answered = torch.from_numpy(self._said.has[self.material.waiting])
        return estimated_score(scene, self._learned, self._places, agreed, is_audit, judged.weights, answered)

    def held_out(self) -> HeldOut | None:
        """Of the judged tasks that it said something of."""
        tasks = [self.material.tasks[self.taught.rows[place]] for place in self._places]
        answers = [self.control.read(list(self._heard.judged[task.id].result), task.text) for task in tasks]
        known = [
            (task.id, said, self.taught.said[place])
            for place, task, said in zip(self._places, tasks, answers, strict=True)
            if said is not None
        ]
        return HeldOut(*map(list, zip(*known, strict=True))) if known else None

    def labels(self) -> dict[str, int]:
        """Labels are its own business."""
        return {}

    def _task(self, verdict: int) -> int:
        return self.material.tasks[self.taught.rows[self._places[verdict]]].id

    @property
    def _heard(self) -> Heard:
        assert self.material.heard is not None  # by `learned.learner_of`
        return self.material.heard

    @cached_property
    def _places(self) -> list[int]:
        """Places among the labelled rows of those that there is a verdict on, rising."""
        judged, tasks = self._heard.judged, self.material.tasks
        return [i for i, row in enumerate(self.taught.rows[: self.taught.own]) if tasks[row].id in judged]

    @cached_property
    def _model(self) -> WrappedModel:
        every = self._answers(range(len(self.material.tasks)), self._said)
        return WrappedModel.of(every, reads_content=self.control.source.is_read)

    @cached_property
    def _learned(self) -> WrappedLearned:
        waiting = self.material.waiting
        said = Numbers(self._said.said[waiting], self._said.sure[waiting])
        return learned_of(self._model, self._answers(waiting, said), self._judged, len(self.taught.rows))

    @cached_property
    def _judged(self) -> Judged:
        tasks, rows = self.material.tasks, [self.taught.rows[i] for i in self._places]
        known = [self._heard.judged[tasks[row].id] for row in rows]
        agreed = [
            agreement(self.control, said, self.taught.said[i], tasks[row].text)
            for i, row, said in zip(self._places, rows, known, strict=True)
        ]
        answers = self._answers(rows, numbers_of([tasks[row].id for row in rows], known))
        places = torch.tensor(self._places, dtype=torch.int64)
        return Judged(places, answers, torch.tensor(agreed), weights_by_age(self._ages))

    @cached_property
    def _ages(self) -> Tensor:
        """By verdict, the number of the version judged, higher = newer: int64 [m]."""
        age, tasks = self._heard.ages(), self.material.tasks
        return torch.tensor([age[tasks[self.taught.rows[i]].id] for i in self._places], dtype=torch.int64)

    @cached_property
    def _said(self) -> Numbers:
        """Of the tasks that have vectors."""
        done, said = self.material.pool.done, self._heard.said
        return Numbers(said.said[done], said.sure[done])

    def _answers(self, rows: Sequence[int], said: Numbers) -> Answers:
        features = self.material.features[list(rows)]
        return Answers(features, torch.from_numpy(said.said), torch.from_numpy(said.sure))
