"""Areas of images, painted or outlined, by a class for each cell of kept maps."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from backend.controls.areas import UNSAID, AreaControl
from backend.controls.base import CLASSES, Answer, Control
from backend.controls.regions import RegionControl
from backend.encoders.maps import MASKS, NAMES, find_map_encoder
from backend.jobs.learners.parts import Parts, Trained
from backend.jobs.taught import Taught
from backend.learning.segmentation import TrainedSegmenter, train_segmentation
from backend.learning.segmentation_units import units_learned
from backend.learning.suspected_areas import suspected_areas
from backend.learning.units import Units
from backend.store.image_maps import for_areas
from backend.store.model_version import ControlModel

MEASURED = 200
"""Labelled images by which it is told how well areas are learned: all audits, and of the others as many, at
random, as there is room for."""


class AreasOfImages(Parts):
    """Trained once two labelled images, which are no copies of each other, have cells of two classes. What
    nobody marked is a class, too."""

    def train(self, control: RegionControl, taught: Taught) -> Trained | None:
        assert isinstance(control, AreaControl)
        labelled = self.material.units(taught.rows)
        trained = self._trained(control, taught, labelled)
        if trained is None:
            return None
        pool = self.material.units(self.material.waiting)
        learned = units_learned(trained, for_areas(pool), len(pool.rows))
        judged = self._to_judge(taught)
        held_out = _held_out(control, trained, labelled, judged)
        return Trained(trained.model, learned, held_out, judged, suspected_areas(trained))

    def _to_judge(self, taught: Taught) -> list[int]:
        """Places among the labelled tasks."""
        tasks, audits = self.material.tasks, self.material.audits
        is_audit = np.array([tasks[row].id in audits for row in taught.rows], np.bool_)
        is_audit[taught.own :] = False
        shuffled = np.random.default_rng(self.settings.seed).permutation(len(taught.rows))
        first = np.concatenate([shuffled[is_audit[shuffled]], shuffled[~is_audit[shuffled]]])
        found: list[int] = first[: max(MEASURED, int(is_audit.sum()))].tolist()
        return found

    def learn_alone(self, control: Control) -> ControlModel | None:
        """Of what waits nothing is looked at, and nobody is told how well it is learned."""
        assert isinstance(control, AreaControl)
        taught = self.material.taught(control)
        trained = self._trained(control, taught, self.material.units(taught.rows))
        return None if trained is None else ControlModel(control, {CLASSES: trained.model.cpu()})

    def _trained(self, control: AreaControl, taught: Taught, labelled: Units) -> TrainedSegmenter | None:
        targets = _targets(control, taught.given)
        said = targets != UNSAID
        told_of = said.flatten(1).any(1)
        if len(taught.together[told_of].unique()) < 2 or len(targets[said].unique()) < 2:
            return None
        return train_segmentation(
            for_areas(labelled),
            targets,
            len(control.classes) + 1,
            seed=self.settings.seed,
            device=self.settings.device,
            together=taught.together,
        )


def _targets(control: AreaControl, given: list[Answer]) -> Tensor:
    """What each cell of the labelled images is: int64 [M, G, G]."""
    grid = find_map_encoder(NAMES[0], MASKS).grid
    targets = np.zeros((len(given), grid, grid), np.int64)
    for image, answer in enumerate(given):
        targets[image] = control.cells(answer, grid)
    return torch.from_numpy(targets)


def _held_out(
    control: AreaControl, trained: TrainedSegmenter, labelled: Units, images: list[int]
) -> list[Answer]:
    """What siblings that never saw them draw in some of the labelled images."""
    sizes = labelled.marks[images].tolist()
    return [
        control.drawn(seen.classes.numpy(), seen.confidences.tolist(), (height, width)).answer
        for seen, (height, width) in zip(trained.held_out(images), sizes, strict=True)
    ]
