"""Painted areas of an image: <BrushLabels>, whose masks are run-length code, and <BitmaskLabels>, PNGs.

An answer is a JSON list of [label, height, width, lengths], one for each label, sorted: of the pixels, row by
row, how many are not marked, how many are, and so on. Several regions of a label are one. A label of null: it
is not known what is there.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.controls import run_length, runs
from backend.controls.areas import MOST_CHARACTERS, AreaControl, Cells, Drawn, Mask, characters
from backend.controls.base import Answer, Region, value_of
from backend.controls.bitmask import mask_in, picture_of, size_in
from backend.controls.regions import NOTHING
from backend.controls.runs import Runs
from backend.controls.specks import without_specks
from backend.controls.votes import CLEAR, Vote

MOST_RUNS = 4_000
"""Of a label in an answer: one row of pixels has a few. Of more the shortest are smoothed away."""
MOST_EFFORT = 8_000_000
"""Of reading an annotation: seconds. One that is larger says nothing; see `MaskControl.effort`."""
MOST_SIDE = 65_535
"""Pixels of an image's side."""


def masks_in(answer: Answer) -> list[Mask]:
    return [
        Mask(label, (height, width), np.cumsum(lengths, dtype=np.int64))
        for label, height, width, lengths in json.loads(answer)
    ]


def answer_of(masks: Iterable[Mask]) -> Answer:
    """masks: of one size, at most one of a label."""
    told = [
        [mask.label, *mask.size, np.diff(mask.runs, prepend=0).tolist()] for mask in masks if len(mask.runs)
    ]
    return json.dumps(sorted(told, key=lambda each: each[0] or ""), ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class MaskControl(AreaControl):
    @abstractmethod
    def effort(self, region: Region) -> int:
        """Of `mask_in`, in microseconds or so."""

    @abstractmethod
    def value_of(self, mask: Mask) -> dict[str, Any]:
        """A mask as a region's value holds it."""

    def read_regions(self, regions: list[Region], content: str) -> Answer | None:
        """Where a region has no label that the config has, it is not known what is there. Regions of another
        size than the first are not of this image."""
        if sum(map(self.effort, regions)) > MOST_EFFORT:
            return None
        found: dict[str | None, list[Runs]] = {}
        size = None
        for region in regions:
            mask = self.mask_in(region)
            if mask is not None and size in (None, mask[0]):
                size = mask[0]
                labels: list[str | None] = [*self.labels_on(region)]
                for label in labels or [None]:
                    found.setdefault(label, []).append(mask[1])
        if size is None or found.keys() == {None}:
            return None
        return answer_of(self._joined(found, size))

    def _joined(self, found: Mapping[str | None, list[Runs]], size: tuple[int, int]) -> Iterator[Mask]:
        for label, each in found.items():
            yield Mask(label, size, runs.in_few(runs.union(*each), MOST_RUNS))

    def regions_of(self, answer: Answer, confidences: Sequence[float], content: str) -> list[Region]:
        known = [mask for mask in masks_in(answer) if mask.label is not None]
        return [
            region
            for number, (mask, confidence) in enumerate(zip(known, confidences, strict=True))
            for region in self.written(
                number,
                str(mask.label),
                self.value_of(mask),
                confidence,
                original_height=mask.size[0],
                original_width=mask.size[1],
                image_rotation=0,
            )
        ]

    def labels_in(self, answer: Answer) -> list[str]:
        return [mask.label for mask in masks_in(answer) if mask.label is not None]

    def parts_in(self, answer: Answer) -> list[Mask]:
        return masks_in(answer)

    def settled(self, votes: Sequence[Vote], weights: Mapping[str, float] | None = None) -> Answer | None:
        """Pixel by pixel: marked is what CLEAR of the weight marks; where less does, but too much to be none,
        it is not known what is there. None where nothing but that is left."""
        masks = [masks_in(vote.label) for vote in votes]
        sizes = {mask.size for each in masks for mask in each}
        if len(votes) == 1 or len(sizes) != 1:
            return super().settled(votes, weights)
        weight_of = [(weights or {}).get(vote.annotator, 0.5) for vote in votes]
        clear = CLEAR * sum(weight_of)
        known: dict[str | None, list[Runs]] = {}
        unsaid: list[Runs] = []
        for label in {mask.label for each in masks for mask in each}:
            marked = [_of(label, each) for each in masks]
            sure = runs.covered(marked, weight_of, clear) if label is not None else runs.no_runs()
            known[label] = [sure]
            unsaid.append(runs.without(runs.covered(marked, weight_of, sum(weight_of) - clear + 1e-6), sure))
        answer = answer_of(self._joined({**known, None: unsaid}, sizes.pop()))
        return answer if self.labels_in(answer) or answer == NOTHING else None

    def drawn(self, classes: Cells, confidences: Sequence[float], size: tuple[int, int]) -> Drawn:
        masks = []
        for number, label in enumerate(self.classes, 1):
            whole = _enlarged(without_specks(classes == number), size)
            if len(whole):
                masks.append((Mask(label, size, whole), confidences[number]))
        masks.sort(key=lambda each: -each[1] * runs.area(each[0].runs))
        kept, left = [], MOST_CHARACTERS
        for mask, confidence in masks:
            told = characters(self.regions_of(answer_of([mask]), [confidence], ""))
            if told <= left:
                left -= told
                kept.append((mask, confidence))
        kept.sort(key=lambda each: each[0].label or "")
        return Drawn(answer_of(mask for mask, _ in kept), [confidence for _, confidence in kept])


class Brush(MaskControl):
    kind = "masks"
    tags = ("BrushLabels", "Brush")
    shape = "Brush"

    def effort(self, region: Region) -> int:
        rle = value_of(region, "rle")
        return 4 * len(rle) if isinstance(rle, list) else 0

    def mask_in(self, region: Region) -> tuple[tuple[int, int], Runs] | None:
        height, width = region.get("original_height"), region.get("original_width")
        if type(height) is not int or type(width) is not int:
            return None
        if not (0 < height <= MOST_SIDE and 0 < width <= MOST_SIDE):
            return None
        marked = run_length.decode(value_of(region, "rle"), height, width)
        return None if marked is None else ((height, width), marked)

    def value_of(self, mask: Mask) -> dict[str, Any]:
        return {"format": "rle", "rle": run_length.encode(mask.runs, *mask.size)}


class Bitmask(MaskControl):
    kind = "bitmasks"
    tags = ("BitmaskLabels", "Bitmask")
    shape = "Bitmask"

    def effort(self, region: Region) -> int:
        height, width = size_in(value_of(region, "imageDataURL")) or (0, 0)
        return height * width // 64

    def mask_in(self, region: Region) -> tuple[tuple[int, int], Runs] | None:
        return mask_in(value_of(region, "imageDataURL"))

    def value_of(self, mask: Mask) -> dict[str, Any]:
        return {"imageDataURL": picture_of(mask.runs, *mask.size)}


def _of(label: str | None, masks: Sequence[Mask]) -> Runs:
    return next((mask.runs for mask in masks if mask.label == label), runs.no_runs())


def _enlarged(marked: runs.Bools, size: tuple[int, int]) -> Runs:
    """marked: bool [h, w]. The same over a picture of another size."""
    rows, columns = (
        (np.arange(there) + 0.5) * here // there for here, there in zip(marked.shape, size, strict=True)
    )
    return runs.runs_of(marked[rows.astype(int)][:, columns.astype(int)])
