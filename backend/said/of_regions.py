"""What is said of regions that are predicted: beside each, under its id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from backend.controls.areas import ACROSS, AreaControl
from backend.controls.base import CLASSES, Region
from backend.controls.boxes import Boxes
from backend.controls.of_regions import OfRegions
from backend.learning.heads import ErrorHead
from backend.learning.reading import Head
from backend.learning.region_network import RegionNetwork
from backend.learning.region_vectors import of_areas, of_boxes, of_spans
from backend.learning.training import outputs
from backend.learning.units import Units
from backend.said.base import Contents, Likely, Said
from backend.store.image_maps import for_areas, for_boxes
from backend.store.model_version import ControlModel


class _Place(NamedTuple):
    """item: whose region it is."""

    item: int
    region: Region
    place: tuple[float, ...]


@dataclass(frozen=True)
class SaidOfRegions(Said):
    """It has no regions of its own: see `beside`."""

    control: OfRegions
    network: RegionNetwork
    contents: Contents

    def judged(self, head: Head) -> Tensor | None:
        return None

    def doubt(self) -> Tensor | None:
        return None

    def worth(self, strategy: str, scorer_head: Head | None) -> Tensor | None:
        return None

    def guesses(self, error_head: ErrorHead | None, shown_from: float) -> list[list[Region]]:
        return [[] for _ in self.contents.values]

    def likely(self, most: int | None) -> list[Likely] | None:
        return None

    def beside(self, guesses: Sequence[Sequence[Region]], shown_from: float) -> list[list[Region]]:
        """What is said of the regions that are to be shown of each content, where it is likely enough."""
        found: list[list[Region]] = [[] for _ in guesses]
        asked = [each for item, shown in enumerate(guesses) for each in self._asked(item, shown)]
        if not asked or self.contents.units is None:
            return found
        items = torch.tensor([each.item for each in asked], dtype=torch.int64)
        vectors, known = region_vectors(
            self.control, self.contents.units, items, [each.place for each in asked]
        )
        answers, sure = self.control.decided(outputs(self.network, vectors[known]).probabilities)
        told = [asked[i] for i in known.nonzero()[:, 0].tolist()]
        for each, answer, confidence in zip(told, answers, sure, strict=True):
            if confidence >= shown_from:
                said = self.control.told_of(each.region, answer, round(confidence, 4))
                found[each.item].append(said)
        return found

    def _asked(self, item: int, shown: Sequence[Region]) -> list[_Place]:
        content, control = self.contents.values[item], self.control
        mine = [each for each in shown if each["from_name"] == control.beside and control.asks_about(each)]
        placed = [(each, control.place_in(each, content)) for each in mine]
        return [_Place(item, each, place) for each, place in placed if place is not None]


def region_vectors(
    control: OfRegions, units: Units, item: Tensor, places: Sequence[tuple[float, ...]]
) -> tuple[Tensor, Tensor]:
    """Of each region: see `of_spans`, `of_boxes` and `of_areas`. units: the contents' words, or maps."""
    if isinstance(control.parts, AreaControl):
        cells = [list(map(int, place)) for place in places]
        return of_areas(for_areas(units), units.item, item, cells, ACROSS)
    if isinstance(control.parts, Boxes):
        return of_boxes(for_boxes(units), units.item, item, torch.tensor(places, dtype=torch.float32))
    return of_spans(units, item, torch.tensor(places, dtype=torch.int64))


def said_of_regions(model: ControlModel, contents: Contents) -> Said:
    """contents: with their words, or their maps."""
    control, network = model.control, model.networks[CLASSES]
    assert isinstance(control, OfRegions)
    assert isinstance(network, RegionNetwork)
    if contents.units is None:
        raise ValueError(f"{control.from_name} is about regions: the contents' parts are asked for")
    return SaidOfRegions(control, network, contents)
