"""Which marked areas are likely wrong, and which were likely overlooked: see `suspected_parts`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from backend.learning.cells import UNSAID
from backend.learning.segmentation import TrainedSegmenter
from backend.learning.suspected_parts import NOTHING, SuspectedPart, most_suspected

BACKGROUND = 0
"""The class of what nobody marked; a label's is one more than its number."""
LOOKED_AT = 2
"""Of so many cells, both ways, one is looked at: of a picture with 80 x 80 cells a quarter of the time."""
SMALLEST = 1e-3
"""Of a picture; less than that is a speck."""


def suspected_areas(trained: TrainedSegmenter) -> list[SuspectedPart]:
    """All that is marked with a label in a picture is one part; what is overlooked of one, too. How likely
    something is there, is the mean over the cells."""
    parts, given = [], []
    targets = trained.targets[:, ::LOOKED_AT, ::LOOKED_AT]
    unseen = zip(trained.likely_of_unseen(LOOKED_AT), targets, strict=True)
    for picture, (likely, said) in enumerate(unseen):
        marked = [each for each in said.unique().tolist() if each not in (UNSAID, BACKGROUND)]
        given += [each - 1 for each in marked]
        parts += [*_contradicted(picture, likely, said, marked), *_overlooked(picture, likely, said, marked)]
    return most_suspected(parts, torch.tensor(given, dtype=torch.int64))


def _contradicted(
    picture: int, likely: Tensor, said: Tensor, marked: Iterable[int]
) -> Iterator[SuspectedPart]:
    """likely: float [C, G, G]; said: int64 [G, G]."""
    for each in marked:
        inside = said == each
        mean = likely[:, inside].mean(1)
        others = mean.index_fill(0, torch.tensor(each), -1.0)
        best = int(others.argmax())
        yield SuspectedPart(
            picture, _around(inside), each - 1, float(mean[each]), _label(best), float(mean[best])
        )


def _overlooked(picture: int, likely: Tensor, said: Tensor, marked: Iterable[int]) -> Iterator[SuspectedPart]:
    """Where nobody marked anything. What is seen at the rim of what has the same label is none."""
    seen = likely.argmax(0).where(said == BACKGROUND, BACKGROUND)
    for each in seen.unique().tolist():
        inside = seen == each
        if each != BACKGROUND and each not in marked and int(inside.sum()) >= SMALLEST * said.numel():
            mean = likely[:, inside].mean(1)
            yield SuspectedPart(
                picture, _around(inside), NOTHING, float(mean[BACKGROUND]), each - 1, float(mean[each])
            )


def _label(number: int) -> int:
    return NOTHING if number == BACKGROUND else number - 1


def _around(inside: Tensor) -> tuple[float, ...]:
    """The box around some cells: x, y, width and height in percent. inside: bool [G, G], some true."""
    percent = 100 / len(inside)
    rows, columns = (inside.any(axis).nonzero()[:, 0] for axis in (1, 0))
    x, y = int(columns[0]) * percent, int(rows[0]) * percent
    return x, y, (int(columns[-1]) + 1) * percent - x, (int(rows[-1]) + 1) * percent - y
