"""Between answers that are boxes and what a detector learns and finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backend.controls.base import Answer
from backend.controls.boxes import Box, Boxes, answer_of, boxes_in

if TYPE_CHECKING:
    from backend.learning.detector import Candidates
    from backend.learning.detector_training import Marked

SURE_FROM = 0.3
"""How likely right a box must be to be said at all."""


def marked_in(control: Boxes, answers: Sequence[Answer]) -> Marked:
    """Of each picture's answer the boxes; of one whose label is none of the classes nothing is known."""
    import torch

    from backend.learning.detector_training import NOT_KNOWN, Marked

    number = {label: i for i, label in enumerate(control.classes)}
    found = [(item, box) for item, answer in enumerate(answers) for box in boxes_in(answer)]
    places = torch.tensor([box[:4] for _, box in found], dtype=torch.float32).view(-1, 4)
    classes = [number.get(box.label or "", NOT_KNOWN) for _, box in found]
    items = torch.tensor([item for item, _ in found], dtype=torch.int64)
    return Marked(items, places, torch.tensor(classes, dtype=torch.int64), len(answers))


def answers_in(
    control: Boxes, found: Candidates, items: int, sure_from: float = SURE_FROM
) -> tuple[list[Answer], list[list[float]]]:
    """Of each picture what is likely there, and how sure each part of that is, in [0, 1]."""
    boxes: list[dict[Box, float]] = [{} for _ in range(items)]
    kept = (found.sure >= sure_from).nonzero()[:, 0]
    columns = (found.item[kept], found.boxes[kept], found.classes[kept], found.sure[kept])
    for item, (x, y, width, height), label, sure in zip(*(each.tolist() for each in columns), strict=True):
        box = Box(x, y, width, height, control.classes[label])
        (box,) = boxes_in(answer_of([box]))  # as it is read again
        if box.width > 0 and box.height > 0:
            boxes[item].setdefault(box, round(sure, 4))
    answers = [answer_of(each) for each in boxes]
    return answers, [
        [each[box] for box in boxes_in(answer)] for answer, each in zip(answers, boxes, strict=True)
    ]
