"""What a detector says of images: boxes, and what it sees of each that may be one."""

from __future__ import annotations

from backend.controls.base import CLASSES
from backend.controls.box_units import answers_in
from backend.controls.boxes import Boxes
from backend.learning.detection import layers_of
from backend.learning.detector import Detector
from backend.said.base import Contents, Said
from backend.said.parts import SaidOfParts
from backend.store.image_maps import for_boxes
from backend.store.model_version import ControlModel


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
