"""What a segmentation says of images: areas, and what it sees of their cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.controls.areas import AreaControl
from backend.controls.base import CLASSES, Answer
from backend.controls.regions import NOTHING
from backend.learning.segmentation import Segmenter
from backend.learning.segmentation_units import units_seen
from backend.learning.units import Units
from backend.said.base import Contents, Said
from backend.said.parts import SaidOfParts
from backend.store.image_maps import for_areas
from backend.store.model_version import ControlModel


@dataclass(frozen=True, kw_only=True)
class SaidOfAreas(SaidOfParts):
    """Areas are drawn when guesses are asked for, which takes longer than all else; maps: of the images."""

    segmenter: Segmenter
    maps: Units

    def marked(self) -> tuple[Sequence[Answer], Sequence[Sequence[float]]]:
        """At each image's own size. Where an image has no maps, nothing is marked."""
        control, look = self.control, for_areas(self.maps)
        assert isinstance(control, AreaControl)
        answers, confidences = [NOTHING] * self.maps.items, [list[float]() for _ in range(self.maps.items)]
        sizes = zip(self.maps.item.tolist(), self.maps.marks.tolist(), strict=True)
        for row, (item, (height, width)) in enumerate(sizes):
            seen = self.segmenter.decode(look, row)
            drawn = control.drawn(seen.classes.numpy(), seen.confidences.tolist(), (height, width))
            answers[item] = drawn.answer
            confidences[item] = [round(each, 4) for each in drawn.confidences]
        return answers, confidences


def said_of_areas(model: ControlModel, contents: Contents) -> Said:
    """contents: with their maps, a unit for each image that has them; of the others nothing is said."""
    control, segmenter, maps = model.control, model.networks[CLASSES], contents.units
    assert isinstance(control, AreaControl)
    assert isinstance(segmenter, Segmenter)
    if maps is None:
        raise ValueError(f"{control.from_name} marks areas of images: their maps are asked for")
    seen = units_seen(segmenter, for_areas(maps), len(maps.rows))
    units = seen._replace(item=maps.item[seen.item], items=maps.items)
    return SaidOfAreas(control, contents, units, segmenter=segmenter, maps=maps)
