"""What is asked of each region, as a class of regions."""

from __future__ import annotations

import torch

from backend.controls.base import CLASSES, Control
from backend.controls.of_regions import OfRegions
from backend.jobs.learners.base import Learned, Learner
from backend.learning.region_network import train_regions
from backend.said.of_regions import region_vectors
from backend.store.model_version import ControlModel


class ClassesOfRegions(Learner):
    """Trained once regions of two classes are labelled."""

    def learn(self, control: Control) -> Learned:
        """Raises NotImplementedError: a region has no place in the queue. No weight names such a control."""
        raise NotImplementedError(f"{control.from_name} is asked of regions: it orders no queue")

    def learn_alone(self, control: Control) -> ControlModel | None:
        assert isinstance(control, OfRegions)
        taught = self.material.taught(control)
        placed = [
            (item, *each) for item, answer in enumerate(taught.given) for each in control.placed_in(answer)
        ]
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
