"""What a detector says of images: boxes, and what it sees of each that may be one."""

from __future__ import annotations

from backend.controls.base import CLASSES, Answer
from backend.controls.box_units import answers_in
from backend.controls.boxes import Boxes
from backend.learning.detection import layers_of
from backend.learning.detector import Detector
from backend.learning.units import Units
from backend.said.base import Contents, Said
from backend.said.parts import SaidOfParts
from backend.store.image_maps import for_boxes
from backend.store.model_version import ControlModel

DRAWN_FROM = 0.05
"""How likely right a box must be to be meant by what somebody has drawn there."""


def boxes_seen(model: ControlModel, units: Units, sure_from: float) -> tuple[list[Answer], list[list[float]]]:
    """Of images' maps, what is that likely in each, and how sure each part of it is."""
    control, detector = model.control, model.networks[CLASSES]
    assert isinstance(control, Boxes)
    assert isinstance(detector, Detector)
    found = detector.candidates(for_boxes(units))
    return answers_in(control, found._replace(item=units.item[found.item]), units.items, sure_from)


def said_of_boxes(model: ControlModel, contents: Contents) -> Said:
    """contents: with their maps, a unit for each image that has them; of the others nothing is said."""
    control, detector, units = model.control, model.networks[CLASSES], contents.units
    assert isinstance(control, Boxes)
    assert isinstance(detector, Detector)
    if units is None:
        raise ValueError(f"{control.from_name} marks boxes on images: their maps are asked for")
    found = detector.candidates(for_boxes(units))
    found = found._replace(item=units.item[found.item])
    answers, sure = answers_in(control, found, units.items)
    return SaidOfParts(control, contents, layers_of(found, units.items), answers, sure)
