"""What is read of each picture's parts takes twice the work for twice as many pictures, not four times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from backend.learning.detection import verdicts
from backend.learning.detector import Candidates
from backend.learning.detector_training import Marked
from backend.learning.region_vectors import of_areas
from backend.learning.suspected_parts import suspected_boxes
from backend.learning.units import rows_of_items

ACROSS, EACH = 4, 3


class Counted(TorchDispatchMode):
    """How many numbers all of torch's calls give."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = func(*args, **(kwargs or {}))
        if str(func).split(".")[1].endswith("_"):  # in place: all of the tensor is given back
            return given
        several = given if isinstance(given, tuple | list) else [given]
        self.numbers += sum(each.numel() for each in several if isinstance(each, Tensor))
        return given


def test_each_items_rows_are_told_in_their_order() -> None:
    found = rows_of_items(torch.tensor([2, 0, 2, 3, 0]), 5)
    assert [rows.tolist() for rows in found] == [[1, 4], [], [0, 2], [3], []]
    assert rows_of_items(torch.tensor([], dtype=torch.int64), 0) == ()


def read_areas(pictures: int) -> None:
    """Of EACH areas in each picture, in no order."""
    item = torch.arange(pictures).repeat(EACH)

    def look(items: Tensor, points: Tensor) -> Tensor:
        return points

    of_areas(look, torch.arange(pictures), item, [[i % 7] for i in range(len(item))], ACROSS)


def boxes_in(pictures: int) -> tuple[Candidates, Marked]:
    item = torch.arange(pictures).repeat_interleave(EACH)
    boxes = torch.arange(EACH).repeat(pictures)[:, None] * 20 + torch.tensor([0.0, 0, 10, 10])
    logits = torch.tensor([2.0, -1, 0]).expand(len(item), -1)
    seen = Candidates(item, boxes, logits, torch.zeros_like(item), torch.zeros(len(item), 1).half())
    return seen, Marked(item, boxes, torch.zeros_like(item), pictures)


def judge_boxes(pictures: int) -> None:
    verdicts(*boxes_in(pictures))


def suspect_boxes(pictures: int) -> None:
    assert suspected_boxes(*boxes_in(pictures)) == []


@pytest.mark.parametrize("work", [read_areas, judge_boxes, suspect_boxes])
def test_twice_as_many_pictures_take_twice_the_work(work: Callable[[int], None]) -> None:
    spent = []
    for pictures in (200, 400):
        with Counted() as counted:
            work(pictures)
        spent.append(counted.numbers)
    assert spent[1] < 2.2 * spent[0]
