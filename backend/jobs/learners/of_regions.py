"""What is asked of each region, as a class of regions."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from backend.controls.base import CLASSES, Answer, Control
from backend.controls.of_regions import OfRegions
from backend.jobs.learners.base import Learned, Learner
from backend.learning.region_network import train_regions
from backend.said.of_regions import region_vectors
from backend.store.model_version import ControlModel

MOST = 10_000
"""Regions that are read and trained on, so that a retrain's time is bounded: an area takes some
milliseconds."""


class ClassesOfRegions(Learner):
    """Trained once regions of two classes are labelled."""

    def learn(self, control: Control) -> Learned:
        """Raises NotImplementedError: a region has no place in the queue. No weight names such a control."""
        raise NotImplementedError(f"{control.from_name} is asked of regions: it orders no queue")

    def learn_alone(self, control: Control) -> ControlModel | None:
        assert isinstance(control, OfRegions)
        taught = self.material.taught(control)
        placed = _placed(control, taught.given, self.settings.seed)
        if len({number for _, _, number in placed}) < 2:
            return None
        items = torch.tensor([item for item, _, _ in placed], dtype=torch.int64)
        targets = torch.tensor([number for _, _, number in placed], dtype=torch.int64)
        units = self.material.units(taught.rows)
        vectors, known = region_vectors(control, units, items, [place for _, place, _ in placed])
        if len(targets[known].unique()) < 2:
            return None
        settings = self.settings
        network = train_regions(
            vectors[known], targets[known], len(control.classes), seed=settings.seed, device=settings.device
        )
        return ControlModel(control, {CLASSES: network})


def _placed(
    control: OfRegions, given: Sequence[Answer], seed: int
) -> list[tuple[int, tuple[float, ...], int]]:
    """Regions of which something is said: whose they are, where, and the number of the class. Where there are
    more than MOST, those of contents drawn by lot."""
    found: list[tuple[int, tuple[float, ...], int]] = []
    for item in torch.randperm(len(given), generator=torch.Generator().manual_seed(seed)).tolist():
        found += [(item, *each) for each in control.placed_in(given[item])]
        if len(found) >= MOST:
            break
    return sorted(found[:MOST], key=lambda each: each[0])
