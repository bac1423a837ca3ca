"""One vector of several images' vectors, by what is asked about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from backend.controls.compared import ComparedImages
from backend.controls.several_images import SeveralImages
from backend.controls.sources import Source
from backend.pairs import BETWEEN

Combine = Callable[[Tensor], Tensor]
"""Of N times k images: float32 [N, k, D] -> [N, D']."""


def left_less_right(images: Tensor) -> Tensor:
    """What the left one has more of."""
    return images[:, 0] - images[:, 1]


def mean_and_spread(images: Tensor) -> Tensor:
    """What they have in common, and how far they differ, whatever their order."""
    return torch.cat([images.mean(1), images.std(1, correction=0)], 1)


def combining(source: Source) -> tuple[int, Combine] | None:
    """How many images a content has, and what is made of them; None of a source of single contents."""
    if isinstance(source, ComparedImages):
        return 2, left_less_right
    if isinstance(source, SeveralImages):
        return len(source.images), mean_and_spread
    return None


def each_of(content: str, count: int) -> Sequence[str]:
    """The images of a content, `count` of them; "" in the place of those that lack."""
    found = content.split(BETWEEN)
    return [*found, *[""] * count][:count]
