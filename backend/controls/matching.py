"""Which of two lists' boxes are the same, and how right a detector's are. Boxes: float64 [n, 4], x, y, width
and height in percent of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SAME = 0.5
"""Boxes of one class that overlap by so much mean the same object (Everingham et al. 2010, PASCAL VOC)."""
Numbers = NDArray[np.float64]


class Marked(NamedTuple):
    """Boxes of one picture, float64 [n, 4]; classes: int64 [n]; sure: float64 [n], higher = surer."""

    boxes: Numbers
    classes: NDArray[np.int64]
    sure: Numbers


def overlap(one: Numbers, other: Numbers) -> Numbers:
    """Intersection over union: float64 [n, m]. A box without an extent overlaps none but itself."""
    begin = np.maximum(one[:, None, :2], other[None, :, :2])
    end = np.minimum(one[:, None, :2] + one[:, None, 2:], other[None, :, :2] + other[None, :, 2:])
    both = (end - begin).clip(0).prod(-1)
    union = one[:, None, 2:].prod(-1) + other[None, :, 2:].prod(-1) - both
    same = (one[:, None] == other[None]).all(-1)
    return np.where(same, 1.0, both / np.maximum(union, 1e-12))


def matched(one: Marked, other: Marked, at: float = SAME) -> NDArray[np.int64]:
    """For each box of `one` the box of `other` that it means, -1 for none: of one class, overlapping by `at`
    at least, each taken once, by the surest first and of what is left the one that it overlaps most."""
    over = overlap(one.boxes, other.boxes) * (one.classes[:, None] == other.classes[None])
    found = np.full(len(one.boxes), -1)
    for i in np.argsort(-one.sure, kind="stable"):
        best = int(over[i].argmax()) if over.shape[1] else -1
        if best >= 0 and over[i, best] >= at:
            found[i] = best
            over[:, best] = 0.0
    return found


def pairs(one: Marked, other: Marked, at: float = SAME) -> int:
    """How many boxes are in both, however the two are called: the best overlapping pairs first."""
    over = overlap(one.boxes, other.boxes) * (one.classes[:, None] == other.classes[None])
    count = 0
    while over.size and over.max() >= at:
        i, j = np.unravel_index(over.argmax(), over.shape)
        over[i, :], over[:, j] = 0.0, 0.0
        count += 1
    return count


def average_precision(predicted: Sequence[Marked], truth: Sequence[Marked], n_classes: int) -> Numbers:
    """Of each class the area under its curve of precision over recall, at SAME: float64 [n_classes], NaN for
    one that the truth has not. Equally sure boxes count at once. Both: of the same pictures, in one order."""
    right = [matched(one, other) >= 0 for one, other in zip(predicted, truth, strict=True)]
    hits = np.concatenate([*right, np.zeros(0, bool)])
    sure = np.concatenate([*(each.sure for each in predicted), np.zeros(0)])
    classes = np.concatenate([*(each.classes for each in predicted), np.zeros(0, np.int64)])
    there = np.concatenate([*(each.classes for each in truth), np.zeros(0, np.int64)])
    found = [
        _area(sure[classes == each], hits[classes == each], int((there == each).sum()))
        for each in range(n_classes)
    ]
    return np.array(found, np.float64)


def _area(sure: Numbers, hits: NDArray[np.bool_], there: int) -> float:
    if not there:
        return float("nan")
    order = np.argsort(-sure, kind="stable")
    ends = np.flatnonzero(np.diff(sure[order], append=-np.inf))
    true = np.cumsum(hits[order])[ends]
    precision = np.maximum.accumulate((true / (ends + 1))[::-1])[::-1]
    recall = np.diff(true / there, prepend=0.0)
    return float((precision * recall).sum())
