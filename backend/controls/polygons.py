"""Outlined areas of an image: <PolygonLabels>.

An answer is a JSON list of [label, points], sorted; points: [x, y] in percent of the picture's width and
height, to the ten-thousandth. A label of null: it is not known what is there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from backend.controls.areas import GRID, MOST_CHARACTERS, AreaControl, Cells, Drawn, Mask, characters
from backend.controls.base import Answer, Region, value_of
from backend.controls.outlines import Points, inside, outlines_of
from backend.controls.runs import Runs
from backend.controls.specks import without_specks

MOST_POINTS = 10_000
"""Of an annotation; what is beyond is not read."""
DIGITS = 4


class Polygon(NamedTuple):
    """label: None where it is not known what is there; points: (x, y), at least 3."""

    label: str | None
    points: tuple[tuple[float, float], ...]


def polygons_in(answer: Answer) -> list[Polygon]:
    return [Polygon(label, tuple(map(tuple, points))) for label, points in json.loads(answer)]


def answer_of(polygons: Iterable[Polygon]) -> Answer:
    ordered = sorted(set(polygons), key=lambda each: (each.label or "", each.points))
    return json.dumps(ordered, ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class Polygons(AreaControl):
    kind = "polygons"
    tags = ("PolygonLabels", "Polygon")
    shape = "Polygon"

    def read_regions(self, regions: list[Region], content: str) -> Answer | None:
        """Where a region has no label that the config has, it is not known what is there."""
        polygons, left = [], MOST_POINTS
        for region in regions:
            points = _points_in(value_of(region, "points"), left)
            if points is not None:
                left -= len(points)
                labels: list[str | None] = [*self.labels_on(region)]
                polygons += [Polygon(label, points) for label in labels or [None]]
        return answer_of(polygons) if any(each.label is not None for each in polygons) else None

    def regions_of(self, answer: Answer, confidences: Sequence[float], content: str) -> list[Region]:
        known = [polygon for polygon in polygons_in(answer) if polygon.label is not None]
        return [
            region
            for number, (polygon, confidence) in enumerate(zip(known, confidences, strict=True))
            for region in self.written(
                number,
                str(polygon.label),
                {"points": [list(point) for point in polygon.points], "closed": True},
                confidence,
            )
        ]

    def labels_in(self, answer: Answer) -> list[str]:
        return [polygon.label for polygon in polygons_in(answer) if polygon.label is not None]

    def mask_in(self, region: Region) -> tuple[tuple[int, int], Runs] | None:
        points = _points_in(value_of(region, "points"), MOST_POINTS)
        return None if points is None else (GRID, _inside(points))

    def parts_in(self, answer: Answer) -> list[Mask]:
        return [Mask(label, GRID, _inside(points)) for label, points in polygons_in(answer)]

    def drawn(self, classes: Cells, confidences: Sequence[float], size: tuple[int, int]) -> Drawn:
        found = []
        for number, label in enumerate(self.classes, 1):
            for outline in outlines_of(without_specks(classes == number)):
                points = tuple((round(x, DIGITS), round(y, DIGITS)) for x, y in (outline * 100).tolist())
                found.append((Polygon(label, points), confidences[number], _area(outline)))
        found.sort(key=lambda each: -each[1] * each[2])
        kept: dict[Polygon, float] = {}
        left = MOST_CHARACTERS
        for polygon, confidence, _ in found:
            left -= characters(self.regions_of(answer_of([polygon]), [confidence], ""))
            if left >= 0:
                kept.setdefault(polygon, confidence)
        answer = answer_of(kept)
        return Drawn(answer, [kept[polygon] for polygon in polygons_in(answer)])


def _points_in(written: Any, most: int) -> tuple[tuple[float, float], ...] | None:
    """None for what is no polygon of at most so many points. What lies beside the picture is moved to its
    edge."""
    if not isinstance(written, list) or not 3 <= len(written) <= most:
        return None
    points = []
    for point in written:
        if not isinstance(point, list) or len(point) != 2 or not all(map(_is_number, point)):
            return None
        x, y = (round(float(min(max(each, 0), 100)), DIGITS) for each in point)
        points.append((x, y))
    return tuple(points)


def _inside(points: tuple[tuple[float, float], ...]) -> Runs:
    return inside(np.array(points) / 100 * (GRID[1], GRID[0]), *GRID)


def _is_number(given: Any) -> bool:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return False
    return isinstance(given, int) or math.isfinite(given)


def _area(outline: Points) -> float:
    x, y = outline.T
    return abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2
