"""Images with boxes, or with areas, for replays: their maps, paid for by the parts that are drawn."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from backend.content.pictures import Picture, decoded
from backend.controls.areas import UNSAID, AreaControl
from backend.controls.base import Answer
from backend.controls.box_units import SURE_FROM, answers_in, marked_in
from backend.controls.boxes import Boxes
from backend.controls.regions import RegionControl
from backend.controls.registry import control_from_json
from backend.encoders.images import find_image_encoder
from backend.encoders.maps import BOXES, MASKS, NAMES, MapEncoder, find_map_encoder
from backend.labelled.marked_images import MarkedImages
from backend.labelled.things import content_at
from backend.learning.detection import DetectorTrained, train_detection
from backend.learning.detector import Maps
from backend.learning.segmentation import TrainedSegmenter, train_segmentation
from backend.learning.segmentation_units import units_learned
from backend.learning.units import UnitsLearned
from backend.simulate.parts import Items, Surest, surest_of

BATCH = 16
"""Images in memory at once."""
STEPS = 80
"""Of a detector's training, half of the backend's: what is compared are the strategies."""


@dataclass(frozen=True)
class MarkedMaps(Items):
    """maps: uint8 [N, bytes], as they are kept; vectors: float32 [N, D], of whole images; answers: what is
    marked in each; sizes: of each, height and width in pixels."""

    control: RegionControl
    maps: Tensor
    vectors: Tensor
    answers: Sequence[Answer]
    sizes: Sequence[tuple[int, int]]

    things = "images"

    def __len__(self) -> int:
        return len(self.answers)

    def compared(self) -> Tensor:
        return self.vectors

    def of(self, items: Tensor) -> Self:
        chosen = items.tolist()
        answers, sizes = ([each[i] for i in chosen] for each in (self.answers, self.sizes))
        maps, vectors = self.maps[items], self.vectors[items]
        return replace(self, maps=maps, vectors=vectors, answers=answers, sizes=sizes)

    def paid(self) -> int:
        return sum(len(self.control.labels_in(answer)) for answer in self.answers)


class ImagesOfBoxes(MarkedMaps):
    cost, cost_told = "boxes", "boxes drawn"
    measure, measure_told = "map50", "mean average precision at IoU 0.5"

    def trained(self, seed: int) -> DetectorTrained | None:
        assert isinstance(self.control, Boxes)
        marked = marked_in(self.control, self.answers)
        if len(marked.item[marked.classes >= 0].unique()) < 2:
            return None
        return train_detection(self._maps, marked, len(self.control.classes), seed=seed, steps=STEPS)

    def learned(self, trained: DetectorTrained) -> UnitsLearned:
        return trained.learned(self._maps)

    def score(self, trained: DetectorTrained | None) -> float:
        assert isinstance(self.control, Boxes)
        if trained is None:
            return 0.0
        found = trained.detector.candidates(self._maps)
        said, sure = answers_in(self.control, found, len(self), sure_from=0.0)
        return self.control.score(said, self.answers, sure)["map50"]

    def surest(self, trained: DetectorTrained) -> list[Surest]:
        found = trained.detector.candidates(self._maps)
        shown = found.sure >= SURE_FROM
        columns = (found.item[shown], found.classes[shown], found.sure[shown])
        seen: list[list[tuple[int, float]]] = [[] for _ in self.answers]
        for item, label, sure in zip(*(each.tolist() for each in columns), strict=True):
            seen[item].append((label, sure))
        return [surest_of(each) for each in seen]

    @property
    def _maps(self) -> Maps:
        return Maps(self.maps, find_map_encoder(NAMES[0], BOXES).opened)


class ImagesOfAreas(MarkedMaps):
    cost, cost_told = "areas", "areas drawn"
    measure, measure_told = "mean_iou", "mean intersection over union"

    def trained(self, seed: int) -> TrainedSegmenter | None:
        assert isinstance(self.control, AreaControl)
        grid = find_map_encoder(NAMES[0], MASKS).grid
        cells = [torch.from_numpy(self.control.cells(answer, grid)) for answer in self.answers]
        targets = torch.stack(cells) if cells else torch.zeros(0, grid, grid, dtype=torch.int64)
        if len(targets) < 2 or len(targets[targets != UNSAID].unique()) < 2:
            return None
        return train_segmentation(self._look, targets, 1 + len(self.control.classes), seed=seed)

    def learned(self, trained: TrainedSegmenter) -> UnitsLearned:
        return units_learned(trained, self._look, len(self))

    def score(self, trained: TrainedSegmenter | None) -> float:
        if trained is None:
            return 0.0
        return self.control.score(list(self._drawn(trained)), self.answers)["mean_iou"]

    def surest(self, trained: TrainedSegmenter) -> list[Surest]:
        """Class 0 is the background."""
        decoded = (trained.model.decode(self._look, item) for item in range(len(self)))
        return [
            surest_of(
                (each - 1, float(seen.confidences[each])) for each in seen.classes.unique().tolist() if each
            )
            for seen in decoded
        ]

    def _drawn(self, trained: TrainedSegmenter) -> Iterator[Answer]:
        assert isinstance(self.control, AreaControl)
        for item, size in enumerate(self.sizes):
            seen = trained.model.decode(self._look, item)
            yield self.control.drawn(seen.classes.numpy(), seen.confidences.tolist(), size).answer

    def _look(self, items: Tensor, points: Tensor) -> Tensor:
        return find_map_encoder(NAMES[0], MASKS).at(self.maps[items], points)


def write_maps(images: MarkedImages, encoder: str, file: Path) -> str:
    """Every image encoded once. Returns the name of what made the maps. Raises ValueError, NoContent or
    OSError."""
    maps, whole = _maps_for(images.control), find_image_encoder(encoder)
    rows, vectors, sizes = [], [], []
    for start in range(0, len(images.rows), BATCH):
        some: list[Picture] = [decoded(content_at(row.file)) for row in images.rows[start : start + BATCH]]
        rows.append(maps.encode([each.pixels for each in some]))
        vectors.append(whole.encode([each.pixels for each in some]))
        sizes += [(each.height, each.width) for each in some]
    told = {"control": images.control.as_json(), "answers": [row.answer for row in images.rows]}
    about = torch.frombuffer(bytearray(json.dumps(told).encode()), dtype=torch.uint8)
    encoded = {"maps": torch.cat(rows), "vectors": torch.cat(vectors)}
    save_file({**encoded, "sizes": torch.tensor(sizes), "about": about}, file)
    return maps.name


def read_maps(file: Path) -> ImagesOfBoxes | ImagesOfAreas:
    held = load_file(file)
    told = json.loads(bytes(held["about"].tolist()))
    control = control_from_json(told["control"])
    assert isinstance(control, RegionControl)
    kind = ImagesOfBoxes if isinstance(control, Boxes) else ImagesOfAreas
    sizes = [(height, width) for height, width in held["sizes"].tolist()]
    return kind(control, held["maps"], held["vectors"], told["answers"], sizes)


def _maps_for(control: RegionControl) -> MapEncoder:
    return find_map_encoder(NAMES[0], BOXES if isinstance(control, Boxes) else MASKS)
