"""Boxes on images, by a detector on kept maps."""

from __future__ import annotations

from backend.controls.base import CLASSES, Control
from backend.controls.box_units import answers_in, marked_in
from backend.controls.boxes import Boxes
from backend.controls.regions import RegionControl
from backend.jobs.learners.parts import Parts, Trained
from backend.jobs.taught import Taught
from backend.learning.detection import train_detection
from backend.learning.detector import Maps
from backend.learning.detector_training import Marked, train_detector
from backend.learning.suspected_parts import suspected_boxes
from backend.store.image_maps import for_boxes
from backend.store.model_version import ControlModel


class BoxesOfImages(Parts):
    """Trained once two labelled images have a box."""

    def train(self, control: RegionControl, taught: Taught) -> Trained | None:
        assert isinstance(control, Boxes)
        marked = marked_in(control, taught.given)
        if not _is_enough(marked):
            return None
        trained = train_detection(
            self._maps(taught.rows),
            marked,
            len(control.classes),
            seed=self.settings.seed,
            device=self.settings.device,
        )
        held_out, _ = answers_in(control, trained.seen, marked.items)
        learned = trained.learned(self._maps(self.material.waiting))
        suspected = suspected_boxes(trained.seen, marked)
        return Trained(trained.detector, learned, held_out, suspected=suspected)

    def learn_alone(self, control: Control) -> ControlModel | None:
        """Without siblings, whose verdicts nobody asks for."""
        assert isinstance(control, Boxes)
        taught = self.material.taught(control)
        marked = marked_in(control, taught.given)
        if not _is_enough(marked):
            return None
        settings, maps = self.settings, self._maps(taught.rows)
        detector = train_detector(
            maps, marked, len(control.classes), seed=settings.seed, device=settings.device
        )
        return ControlModel(control, {CLASSES: detector.cpu()})

    def _maps(self, rows: list[int]) -> Maps:
        return for_boxes(self.material.units(rows))


def _is_enough(marked: Marked) -> bool:
    return len(marked.item[marked.classes >= 0].unique()) > 1
