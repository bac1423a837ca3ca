"""Which marked parts are likely wrong, and which were likely overlooked: where models that never saw the item
contradict with confidence. Ordered as labels of whole contents are, see `backend.learning.suspects`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from math import log
from typing import NamedTuple

import torch
from torch import Tensor

from backend.learning.bio import OUTSIDE, spans_of
from backend.learning.detection import SAME
from backend.learning.detector import Candidates
from backend.learning.detector_training import NOT_KNOWN, Marked
from backend.learning.overlap import iou
from backend.learning.suspects import FEWEST
from backend.learning.units import UnitLayers, rows_of_items
from backend.learning.viterbi import viterbi

NOTHING = -1
"""In the place of a label: nothing is there."""
APART = 0.1
"""A box that overlaps none by so much is not what an annotator drew."""
LEAST = 1e-3


class SuspectedPart(NamedTuple):
    """item: among the labelled ones; place: start and end in code points, or x, y, width and height in
    percent; label, p_label: what annotators say is there, NOTHING where they marked nothing, and how likely
    that is; instead, p_instead: what a model would say, and how likely that is."""

    item: int
    place: tuple[float, ...]
    label: int
    p_label: float
    instead: int
    p_instead: float

    @property
    def order(self) -> float:
        """By what to look first: the larger the sooner."""
        return log(max(self.p_instead, LEAST)) - 2 * log(max(self.p_label, LEAST))


def most_suspected(found: Iterable[SuspectedPart], given: Tensor) -> list[SuspectedPart]:
    """Those of which a model is surer than of what is given, the most suspected first. given: int64, the
    label of each part that is marked; of a label with fewer than FEWEST parts nothing is judged."""
    often = Counter(given.tolist())
    judged = (
        each
        for each in found
        if each.p_instead > each.p_label
        and all(often[label] >= FEWEST for label in (each.label, each.instead) if label != NOTHING)
    )
    return sorted(judged, key=lambda each: -each.order)


def suspected_spans(held_out: UnitLayers, tags: Tensor, marks: Tensor) -> list[SuspectedPart]:
    """held_out: what siblings say of each word; tags: int64 [U], as they are marked; marks: int64 [U, 2].

    How likely a reading is, is the geometric mean over the words that it is about.
    """
    likely, item = held_out.layers.logits.log_softmax(-1), held_out.item
    best = viterbi(likely, item, held_out.items)
    of_given, of_best = (likely.gather(1, each[:, None])[:, 0] for each in (tags, best))
    given, found = (set(map(tuple, spans_of(each, item).tolist())) for each in (tags, best))
    parts = []
    for begin, end, label in given ^ found:
        is_given = (begin, end, label) in given
        if not is_given and (tags[begin:end] != OUTSIDE).any():
            continue  # of what is marked there it is told already
        said = best[begin:end]
        inside = said[said != OUTSIDE]
        instead = (int(inside[0]) - 1) // 2 if len(inside) else NOTHING
        place = (int(marks[begin, 0]), int(marks[end - 1, 1]))
        p_label, p_instead = (float(each[begin:end].mean().exp()) for each in (of_given, of_best))
        label_there = label if is_given else NOTHING
        parts.append(SuspectedPart(int(item[begin]), place, label_there, p_label, instead, p_instead))
    return most_suspected(parts, torch.tensor([label for _, _, label in given], dtype=torch.int64))


def suspected_boxes(seen: Candidates, marked: Marked) -> list[SuspectedPart]:
    """seen: what siblings think possible in each picture; marked: what annotators drew."""
    of_each = (rows_of_items(item, marked.items) for item in (seen.item, marked.item))
    found = [
        each
        for picture, (units, boxes) in enumerate(zip(*of_each, strict=True))
        for each in _of_picture(picture, Candidates(*(part[units] for part in seen)), marked, boxes)
    ]
    return most_suspected(found, marked.classes[marked.classes != NOT_KNOWN])


def _of_picture(picture: int, seen: Candidates, marked: Marked, boxes: Tensor) -> Iterator[SuspectedPart]:
    """seen: in this picture; boxes: int64, the rows of those marked in it."""
    over = iou(seen.boxes, marked.boxes[boxes])
    sure, classes = seen.sure, seen.classes
    for column, box in enumerate(boxes.tolist()):
        label = int(marked.classes[box])
        if label == NOT_KNOWN:
            continue
        there = over[:, column] >= SAME
        same, other = (_surest(sure, there & which) for which in (classes == label, classes != label))
        p_label, p_other = (float(sure[each]) if each is not None else 0.0 for each in (same, other))
        nothing = 1 - max(p_label, p_other)
        instead = NOTHING if other is None or nothing >= p_other else int(classes[other])
        place = tuple(marked.boxes[box].tolist())
        yield SuspectedPart(picture, place, label, p_label, instead, max(nothing, p_other))
    for row in ((over < APART).all(1) if len(boxes) else sure > 0).nonzero()[:, 0].tolist():
        place, p = tuple(seen.boxes[row].tolist()), float(sure[row])
        yield SuspectedPart(picture, place, NOTHING, 1 - p, int(classes[row]), p)


def _surest(sure: Tensor, which: Tensor) -> int | None:
    rows = which.nonzero()[:, 0]
    return int(rows[sure[rows].argmax()]) if len(rows) else None
