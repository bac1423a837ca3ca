"""Boxes on an image: <RectangleLabels>, or <Rectangle> with <Labels>.

An answer is a JSON list of [x, y, width, height, label], sorted; x and y of the top left corner, all in
percent of the picture, within it, to a thousandth. A label of null: what is there, if anything, is not known.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple, Self

import numpy as np

from backend.controls import matching
from backend.controls.agreeing_boxes import agreed
from backend.controls.base import Answer, Region
from backend.controls.regions import NOTHING, RegionControl, region_id
from backend.controls.sources import Image, Source
from backend.controls.tags import Tag
from backend.controls.votes import Vote

IMAGES: Mapping[str, type[Source]] = {Image.tag: Image}
FULL = 100.0
DIGITS = 3
"""Behind the point: a thousandth of a percent is less than a pixel of any picture that is read."""
MOST_BOXES = 1_000
"""Of an annotation; what is beyond is not read."""
MOST_AVERAGED = 2_000
"""Of all annotators of an image: each is compared with each."""
_LARGE = 1e6


class Box(NamedTuple):
    """label: None where it is not known what, if anything, is there."""

    x: float
    y: float
    width: float
    height: float
    label: str | None


def boxes_in(answer: Answer) -> list[Box]:
    """In the order of the answer."""
    return [Box(*each) for each in json.loads(answer)]


def known_in(answer: Answer) -> list[Box]:
    """Those that say something."""
    return [box for box in boxes_in(answer) if box.label is not None]


def answer_of(boxes: Iterable[Box]) -> Answer:
    ordered = sorted({_rounded(box) for box in boxes}, key=lambda box: (box[:4], box.label or ""))
    return json.dumps(ordered, ensure_ascii=False)


def _rounded(box: Box) -> Box:
    x, y, width, height = (round(float(each), DIGITS) + 0.0 for each in box[:4])  # without a -0.0
    return Box(x, y, width, height, box.label)


@dataclass(frozen=True, kw_only=True)
class Boxes(RegionControl):
    """drawn_by: the name of the <Rectangle> beside a <Labels>; "" of a <RectangleLabels>, which draws them
    itself."""

    kind = "boxes"
    sources = IMAGES
    tags = ("RectangleLabels", "Rectangle")
    pooling = "top"

    drawn_by: str = ""

    @classmethod
    def takes(cls, tag: Tag) -> bool:
        return tag.kind == "RectangleLabels" or (tag.kind == "Labels" and "Rectangle" in tag.shapes)

    @classmethod
    def parse(cls, tag: Tag, source: Source) -> Self:
        return replace(super().parse(tag, source), drawn_by=tag.shapes.get("Rectangle", ""))

    @property
    def names(self) -> tuple[str, ...]:
        return (self.from_name, self.drawn_by) if self.drawn_by else (self.from_name,)

    def read_regions(self, regions: list[Region], content: str) -> Answer | None:
        """A box with several labels is one with each. One that is turned is read as the upright box around
        it; of each what lies within the picture, and nothing of a box without an extent there."""
        boxes = list(islice((box for region in regions for box in self._boxes_of(region)), MOST_BOXES))
        return answer_of(boxes) if any(box.label is not None for box in boxes) else None

    def _boxes_of(self, region: Region) -> Iterator[Box]:
        place = place_of(region)
        if place is not None:
            labels: list[str | None] = [*self.labels_on(region)]
            yield from (Box(*place, label) for label in labels or [None])

    def regions_of(self, answer: Answer, confidences: Sequence[float], content: str) -> list[Region]:
        parts = zip(known_in(answer), confidences, strict=True)
        return [each for number, part in enumerate(parts) for each in self._regions(number, *part)]

    def _regions(self, number: int, box: Box, confidence: float) -> Iterator[Region]:
        told = {"id": region_id(self, number), "to_name": self.to_name}
        place = {"x": box.x, "y": box.y, "width": box.width, "height": box.height, "rotation": 0}
        if self.drawn_by:
            yield {**told, "from_name": self.drawn_by, "type": "rectangle", "value": place}
        value = {**place, self.type: [box.label]}
        yield {**told, "from_name": self.from_name, "type": self.type, "value": value, "score": confidence}

    def labels_in(self, answer: Answer) -> list[str]:
        return [box.label for box in boxes_in(answer) if box.label is not None]

    def agreement(self, one: Answer, other: Answer) -> float:
        """F1 of the boxes: those of one class that overlap by half of what both cover are the same."""
        ours, theirs = self._marked(one), self._marked(other)
        count = len(ours.boxes) + len(theirs.boxes)
        return 2 * matching.pairs(ours, theirs) / count if count else 1.0

    def settled(self, votes: Sequence[Vote], weights: Mapping[str, float] | None = None) -> Answer | None:
        """The boxes that most of the annotators' weight drew, their places averaged; of one that fewer drew
        it is not known what is there, if anything. None where nothing else is left. Of very many, one
        annotator's as they are, or None."""
        if len(votes) == 1:
            return votes[0].label
        cast = [
            ([(box[:4], box.label) for box in boxes_in(vote.label)], (weights or {}).get(vote.annotator, 0.5))
            for vote in votes
        ]
        if sum(len(boxes) for boxes, _ in cast) > MOST_AVERAGED:
            return super().settled(votes, weights)
        boxes = [Box(*place, label) for place, label in agreed(cast)]
        empty = any(vote.label == NOTHING for vote in votes)
        known = any(box.label is not None for box in boxes)
        return answer_of(boxes) if known or (empty and not boxes) else None

    def score(
        self,
        predicted: Sequence[Answer],
        truth: Sequence[Answer],
        confidences: Sequence[Sequence[float]] | None = None,
    ) -> dict[str, float]:
        """map50 first, the mean over the classes of the average precision at IoU 0.5. confidences: for each
        part of each prediction; without them all count as equally sure, which can only make it lower."""
        sure = confidences or [()] * len(predicted)
        said = [self._marked(answer, given) for answer, given in zip(predicted, sure, strict=True)]
        right = [self._marked(answer) for answer in truth]
        precisions = matching.average_precision(said, right, len(self.classes))
        pairs = sum(map(matching.pairs, said, right))
        found, there = (sum(len(each.boxes) for each in some) for some in (said, right))
        return {
            "map50": float(np.nanmean(precisions)) if not np.isnan(precisions).all() else math.nan,
            "precision": pairs / found if found else math.nan,
            "recall": pairs / there if there else math.nan,
        }

    def _marked(self, answer: Answer, sure: Sequence[float] = ()) -> matching.Marked:
        known = [box for box in known_in(answer) if box.label in self.classes]
        places = np.array([box[:4] for box in known], np.float64).reshape(-1, 4)
        classes = np.array([self.classes.index(str(box.label)) for box in known], np.int64)
        return matching.Marked(places, classes, np.array(sure or [1.0] * len(known), np.float64))


def point_of(region: Region) -> tuple[float, float] | None:
    """Where a region begins, in percent; None where that is nowhere."""
    value = region.get("value")
    x, y = (_number(value.get(key)) if isinstance(value, dict) else None for key in ("x", "y"))
    return None if x is None or y is None else (x, y)


def place_of(region: Region) -> tuple[float, float, float, float] | None:
    """Upright, within the picture; None where that is nothing."""
    value = region.get("value")
    if not isinstance(value, dict):
        return None
    numbers = [_number(value.get(key)) for key in ("x", "y", "width", "height")]
    turned = _number(value.get("rotation", 0))
    if any(each is None for each in (*numbers, turned)):
        return None
    x, y, width, height = (float(each or 0.0) for each in numbers)
    if turned:
        x, y, width, height = _around_turned((x, y, width, height), turned, _aspect(region))
    left, right = (min(max(each, 0.0), FULL) for each in sorted((x, x + width)))
    top, bottom = (min(max(each, 0.0), FULL) for each in sorted((y, y + height)))
    width, height = round(right - left, DIGITS), round(bottom - top, DIGITS)
    return (left, top, width, height) if width > 0 and height > 0 else None


def _number(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return float(given) if math.isfinite(given) and abs(given) <= _LARGE else None


def _aspect(region: Region) -> float:
    """Width over height of the picture as the editor saw it; 1 where that is not told."""
    width, height = (_number(region.get(f"original_{side}")) for side in ("width", "height"))
    return width / height if width and height and width > 0 and height > 0 else 1.0


def _around_turned(
    box: tuple[float, float, float, float], degrees: float, aspect: float
) -> tuple[float, float, float, float]:
    """The upright box around one that is turned clockwise about its top left corner, as pixels lie."""
    x, y, width, height = box
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    w, h = width * aspect, height  # in percent of the picture's height, both ways
    xs = [a * cos - b * sin for a, b in ((0, 0), (w, 0), (0, h), (w, h))]
    ys = [a * sin + b * cos for a, b in ((0, 0), (w, 0), (0, h), (w, h))]
    return (
        x + min(xs) / aspect,
        y + min(ys),
        (max(xs) - min(xs)) / aspect,
        max(ys) - min(ys),
    )
