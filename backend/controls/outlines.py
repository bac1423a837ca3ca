"""Outlines of areas: points to what lies inside them, and back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from backend.controls.runs import Bools, Runs, no_runs, union

Points = NDArray[np.float64]
"""[n, 2], x and y."""
MOST_POINTS = 40
"""Of an outline that is shown: more are no easier to correct."""


def inside(points: Points, height: int, width: int) -> Runs:
    """The pixels whose middles lie inside an outline, by the even-odd rule: whatever it crosses, and with its
    holes left out. points: in pixels; the last is joined to the first."""
    x, y = points.T
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    falls = y > next_y  # both ways an edge crosses a row at the same number, to the last bit
    low, high = np.where(falls, next_y, y), np.where(falls, y, next_y)
    low_x, high_x = np.where(falls, next_x, x), np.where(falls, x, next_x)
    first = np.ceil(low - 0.5).clip(0, height).astype(np.int64)
    last = np.ceil(high - 0.5).clip(0, height).astype(np.int64)  # rows whose middle an edge crosses
    counts = last - first
    edge = np.repeat(np.arange(len(x)), counts)
    row = np.arange(len(edge)) + np.repeat(last - counts.cumsum(), counts)
    along = (row + 0.5 - low[edge]) / (high - low)[edge]
    crossing = low_x[edge] + along * (high_x - low_x)[edge]
    column = np.ceil(crossing - 0.5).clip(0, width).astype(np.int64)
    order = np.lexsort((column, row))
    at = (row * width + column)[order]
    pairs = at.reshape(-1, 2)  # each row is crossed an even number of times
    return _merged(pairs[pairs[:, 0] < pairs[:, 1]])


def _merged(pairs: NDArray[np.int64]) -> Runs:
    return union(pairs.ravel()) if len(pairs) else no_runs()


def outlines_of(marked: Bools, most: int = MOST_POINTS) -> list[Points]:
    """Of each area that hangs together its outline, of at most so many points: [n, 2] in [0, 1] of the width
    and the height. A hole is reached from the outer line by a cut. marked: bool [h, w]."""
    from contourpy import FillType, contour_generator  # comes with matplotlib

    height, width = marked.shape
    padded = np.pad(marked, 1).astype(np.float64)
    traced = contour_generator(z=padded, fill_type=FillType.OuterOffset).filled(0.5, 2)
    found = []
    for lines, ends in zip(*traced, strict=True):
        loops = [lines[a : b - 1] for a, b in pairwise(ends)]  # the last is the first
        share = max(3, most // len(loops))
        outline = simplified(loops[0], share)
        for hole in loops[1:]:
            outline = _cut_to(outline, simplified(hole, share))
        found.append(((outline - 0.5) / (width, height)).clip(0, 1))
    return found


def _cut_to(outline: Points, hole: Points) -> Points:
    """One line around both: in by the shortest way, around the hole, and out."""
    far = ((outline[:, None] - hole[None]) ** 2).sum(-1)
    here, there = np.unravel_index(far.argmin(), far.shape)
    around = np.roll(hole, -there, axis=0)
    return np.concatenate([outline[: here + 1], around, around[:1], outline[here:]])


def simplified(loop: Points, most: int) -> Points:
    """The points of a closed line that it is farthest from without (Douglas & Peucker 1973): at most so many,
    at least 3."""
    points, tolerance = loop, 0.25
    while len(points) > max(most, 3):
        points = loop[_needed(loop, tolerance)]
        tolerance *= 1.5
    return points if len(points) >= 3 else loop[[0, len(loop) // 3, 2 * len(loop) // 3]]


def _needed(loop: Points, tolerance: float) -> NDArray[np.int64]:
    """Without which the line would be off by more: rising indices."""
    closed = np.concatenate([loop, loop[:1]])
    far = int(((loop - loop[0]) ** 2).sum(1).argmax())
    needed, parts = {0, far}, [(0, far), (far, len(loop))]
    while parts:
        start, end = parts.pop()
        if end - start < 2:
            continue
        along = closed[end] - closed[start]
        beside = closed[start + 1 : end] - closed[start]
        length = float(np.hypot(*along))
        cross = np.abs(along[0] * beside[:, 1] - along[1] * beside[:, 0])
        off = cross / length if length else np.hypot(*beside.T)
        worst = int(off.argmax())
        if off[worst] > tolerance:
            middle = start + 1 + worst
            needed.add(middle)
            parts += [(start, middle), (middle, end)]
    return np.array(sorted(needed))
