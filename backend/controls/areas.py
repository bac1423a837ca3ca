"""Areas of an image that annotators paint or outline: what masks and polygons have in common."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from backend.controls import runs
from backend.controls.base import Answer, Region
from backend.controls.regions import RegionControl, region_id
from backend.controls.runs import Runs, no_runs
from backend.controls.sources import Image, Source
from backend.controls.tags import Tag

UNSAID = -100
"""Class of a cell of which nobody knows what it is."""
GRID = (256, 256)
"""On which areas are compared that are not given in the same pixels."""
MOST_CHARACTERS = 24_500
"""Of a prediction's regions, as JSON, so that a published head of 200 weighs at most 5 MB."""
ACROSS = 80
"""Cells a side of the grid on which it is told where a part lies."""
Cells = NDArray[np.int64]


class Areas(NamedTuple):
    """size: height and width in pixels; runs: by label, None where it is not known what is there."""

    size: tuple[int, int]
    runs: dict[str | None, Runs]


class Mask(NamedTuple):
    """label: None where it is not known what is there; size: height and width in pixels."""

    label: str | None
    size: tuple[int, int]
    runs: Runs


class Drawn(NamedTuple):
    """What a model sees in a picture. confidences: in [0, 1], one for each part."""

    answer: Answer
    confidences: list[float]


@dataclass(frozen=True, kw_only=True)
class AreaControl(RegionControl):
    """drawn_by: the name of the control beside a <Labels> that draws what it labels; "" of one that draws
    itself."""

    pooling = "mean"
    label_at = 0
    sources: ClassVar[Mapping[str, type[Source]]] = {Image.tag: Image}
    shape: ClassVar[str]
    """The tag of the control that draws the like beside a <Labels>."""

    drawn_by: str = ""

    @classmethod
    def takes(cls, tag: Tag) -> bool:
        return tag.kind == f"{cls.shape}Labels" or (tag.kind == "Labels" and cls.shape in tag.shapes)

    @classmethod
    def parse(cls, tag: Tag, source: Source) -> Self:
        return replace(super().parse(tag, source), drawn_by=tag.shapes.get(cls.shape, ""))

    @property
    def names(self) -> tuple[str, ...]:
        return (self.from_name, self.drawn_by) if self.drawn_by else (self.from_name,)

    def written(
        self, number: int, label: str, place: dict[str, Any], confidence: float, **beside: Any
    ) -> list[Region]:
        """The number-th part as Label Studio stores it. place: the region's value but for its label; beside:
        what stands beside the value."""
        told = {"id": region_id(self, number), "to_name": self.to_name, **beside}
        value = {**place, self.type: [label]}
        labelled = {
            **told,
            "from_name": self.from_name,
            "type": self.type,
            "value": value,
            "score": confidence,
        }
        if not self.drawn_by:
            return [labelled]
        drawn = {**told, "from_name": self.drawn_by, "type": self.shape.lower(), "value": place}
        return [drawn, labelled]

    @abstractmethod
    def mask_in(self, region: Region) -> tuple[tuple[int, int], Runs] | None:
        """Height and width of a grid over the image, its own pixels where they are known, and what is marked
        of it; None where that cannot be told. Never raises."""

    @abstractmethod
    def parts_in(self, answer: Answer) -> list[Mask]:
        """The areas of an answer, in their order, all in one size."""

    def areas(self, answer: Answer) -> Areas:
        """All that an answer says is where."""
        found: dict[str | None, list[Runs]] = {}
        parts = self.parts_in(answer)
        for part in parts:
            found.setdefault(part.label, []).append(part.runs)
        joined = {label: each[0] if len(each) == 1 else runs.union(*each) for label, each in found.items()}
        return Areas(parts[0].size if parts else (0, 0), joined)

    @abstractmethod
    def drawn(self, classes: Cells, confidences: Sequence[float], size: tuple[int, int]) -> Drawn:
        """What a model sees, as an answer of at most MOST_CHARACTERS as JSON: of more the least are left out.

        classes: int64 [h, w] over the whole picture, 0 where nothing is, else 1 + the number of the class;
        confidences: of 0 and of each class; size: the picture's height and width, as the editor shows it.
        """

    def cells(self, answer: Answer, grid: int) -> Cells:
        """What a cell of a grid over the picture mostly is, as of `drawn`, or UNSAID: int64 [grid, grid]."""
        size, by_label = self.areas(answer)
        names = (None, *self.classes)
        shares = np.zeros((len(names) + 1, grid, grid))  # the background first, then what is not known
        for number, name in enumerate(names, 1):
            if name in by_label:
                shares[number] = runs.shares(by_label[name], size, (grid, grid))
        shares[0] = 1 - shares[1:].sum(0)
        most = shares.argmax(0)
        return np.where(most == 1, UNSAID, np.maximum(most - 1, 0)).astype(np.int64)

    def agreement(self, one: Answer, other: Answer) -> float:
        """The mean, over the labels of both, of the intersection over the union, where both know what is."""
        if one == other:
            return 1.0
        met = overlaps(*_on_one_grid(self.areas(one), self.areas(other)))
        return float(np.mean([both / either for both, either in met.values()])) if met else 1.0

    def score(self, predicted: Sequence[Answer], truth: Sequence[Answer]) -> dict[str, float]:
        """mean_iou: of the labels; iou: of all of them together. Both over all pictures, which count the same
        however large they are; the background is no label."""
        both: defaultdict[str, float] = defaultdict(float)
        either: defaultdict[str, float] = defaultdict(float)
        for one, other in zip(predicted, truth, strict=True):
            ours, theirs = _on_one_grid(self.areas(one), self.areas(other))
            pixels = ours.size[0] * ours.size[1] or 1
            for label, (meet, join) in overlaps(ours, theirs).items():
                both[label] += meet / pixels
                either[label] += join / pixels
        found = [both[label] / either[label] for label in either]
        nothing = float("nan")
        return {
            "mean_iou": float(np.mean(found)) if found else nothing,
            "iou": sum(both.values()) / sum(either.values()) if found else nothing,
        }


CELLS = 64
"""Under a region, that are told: a vector is a mean, and a picture may have thousands of regions."""
GOLDEN = (5**0.5 - 1) / 2


def cells_under(mask: tuple[tuple[int, int], Runs] | None) -> tuple[int, ...]:
    """Of a grid of ACROSS x ACROSS over the picture the cells that are mostly marked, or else the one that is
    most: their numbers, CELLS at most, from all over it. () of nothing. mask: height and width, and what is
    marked."""
    if mask is None or not len(mask[1]):
        return ()
    shares = runs.shares(mask[1], mask[0], (ACROSS, ACROSS)).ravel()
    found = np.flatnonzero(shares >= min(0.5, shares.max()))
    if len(found) > CELLS:  # by steps that no width of a row divides
        found = np.sort(found[(np.arange(CELLS) * GOLDEN % 1 * len(found)).astype(int)])
    return tuple(found.tolist())


def characters(regions: list[Region]) -> int:
    """That regions take as JSON, as it is sent."""
    return len(json.dumps(regions, ensure_ascii=False, separators=(",", ":")))


def overlaps(one: Areas, other: Areas) -> dict[str, tuple[int, int]]:
    """Of each label that either has, the pixels of both and of either, where both know what is there."""
    unsaid = runs.union(*(each.runs[None] for each in (one, other) if None in each.runs))
    found = {}
    for label in dict.fromkeys([*one.runs, *other.runs]):
        if label is not None:
            a, b = (runs.without(each.runs.get(label, no_runs()), unsaid) for each in (one, other))
            found[label] = (runs.area(runs.both(a, b)), runs.area(runs.union(a, b)))
    return {label: each for label, each in found.items() if each[1]}


def _on_one_grid(one: Areas, other: Areas) -> tuple[Areas, Areas]:
    if one.size == other.size or not one.runs or not other.runs:
        size = one.size if one.runs else other.size
        return one._replace(size=size), other._replace(size=size)
    return _on_grid(one), _on_grid(other)


def _on_grid(areas: Areas) -> Areas:
    marked = {
        label: runs.runs_of(runs.shares(each, areas.size, GRID) >= 0.5) for label, each in areas.runs.items()
    }
    return Areas(GRID, marked)
