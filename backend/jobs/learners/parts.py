"""Answers that mark parts of a content: what their learners have in common."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from backend import sampling
from backend.controls.base import CLASSES, Answer, Control
from backend.controls.regions import RegionControl
from backend.jobs.estimating import Estimated
from backend.jobs.estimating_scores import estimated_score
from backend.jobs.learners.base import Asked, HeldOut, Learned
from backend.jobs.learners.trained_here import TrainedHere, VectorLearner
from backend.jobs.taught import Taught
from backend.learning.suspected_parts import SuspectedPart
from backend.learning.units import UnitsLearned
from backend.results.suspected_parts import told
from backend.store.model_version import ControlModel

MOST_SUSPECTED = 100
"""Parts that a version keeps."""


class Trained(NamedTuple):
    """model: a module that a version can keep; learned: of the tasks that wait; held_out: what siblings that
    never saw them say of the labelled tasks, or of `judged` alone, places among these; suspected: the parts
    that they contradict most, by the labelled tasks' places, None where none are sought."""

    model: Any
    learned: UnitsLearned
    held_out: Sequence[Answer]
    judged: Sequence[int] | None = None
    suspected: Sequence[SuspectedPart] | None = None


class Parts(VectorLearner):
    """Of controls whose answers mark parts."""

    @abstractmethod
    def train(self, control: RegionControl, taught: Taught) -> Trained | None:
        """None while there are too few labels."""

    def learn(self, control: Control) -> Learned:
        assert isinstance(control, RegionControl)
        taught = self.material.taught(control)
        return LearnedParts(self, control, taught, self.train(control, taught))

    def learn_alone(self, control: Control) -> ControlModel | None:
        return self.learn(control).model()


@dataclass(frozen=True)
class LearnedParts(TrainedHere[Trained]):
    control: RegionControl

    def model(self) -> ControlModel | None:
        if self.trained is None:
            return None
        return ControlModel(self.control, {CLASSES: copy.deepcopy(self.trained.model).cpu()})

    def scene(self, asked: Asked) -> sampling.Scene:
        untold = torch.zeros(len(self.taught.rows), dtype=torch.int64)
        return self.make_scene(asked, untold, trained=None if self.trained is None else self.trained.learned)

    def how_well(self, scene: sampling.Scene) -> dict[str, Any]:
        """By cross-validation, in the control's own measures."""
        if self.trained is None:
            return {}
        given, judged = self.taught.given, self.trained.judged
        truth = given if judged is None else [given[i] for i in judged]
        found = self.control.score(self.trained.held_out, truth)
        told = {name: None if math.isnan(value) else round(value, 4) for name, value in found.items()}
        return {"measured": told}

    def suspected_parts(self) -> dict[str, Any] | None:
        """Of tasks with an answer of their own."""
        if self.trained is None or self.trained.suspected is None:
            return None
        own = [each for each in self.trained.suspected if each.item < self.taught.own]
        tasks = [self.learner.material.tasks[row] for row in self.taught.rows]
        return told(own, self.control, tasks[: self.taught.own], MOST_SUSPECTED)

    def estimated(self, scene: sampling.Scene, audits: AbstractSet[int]) -> Estimated | None:
        """By the agreement of whole answers."""
        held_out, share = self.held_out(), self.learner.settings.audit_share
        if self.trained is None or held_out is None or not (share or audits):
            return None
        every = zip(self._judged, held_out.tasks, held_out.said, held_out.given, strict=True)
        own = [each for each in every if each[0] < self.taught.own]
        agreed = [self.control.agreement(said, given) for _, _, said, given in own]
        is_audit = [task in audits for _, task, _, _ in own]
        return estimated_score(scene, self.trained.learned, [place for place, *_ in own], agreed, is_audit)

    def held_out(self) -> HeldOut | None:
        if self.trained is None:
            return None
        given, rows, places = self.taught.given, self.taught.rows, self._judged
        tasks = [self.learner.material.tasks[rows[i]].id for i in places]
        return HeldOut(tasks, self.trained.held_out, [given[i] for i in places])

    @property
    def _judged(self) -> Sequence[int]:
        """Places among the labelled tasks of those that siblings judge."""
        judged = None if self.trained is None else self.trained.judged
        return range(len(self.taught.given)) if judged is None else judged

    def labels(self) -> dict[str, int]:
        """Parts by their label."""
        given = self.taught.given[: self.taught.own]
        return dict(Counter(label for answer in given for label in self.control.labels_in(answer)))
