"""Pictures to vectors: a network's last layer and a middle one side by side.

The last layer of a network that learned photographs knows little of letters and drawings; a middle one does,
and costs nothing on photographs (docs/measured.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from backend.encoders.lite0 import LAST_CHANNELS, MIDDLE_CHANNELS, Lite0

SIDE = 112
"""Pixels of the square that a picture is brought to: 224 costs four times as long."""
GRID = 2
"""The middle map is pooled to so many cells a side, so that it still tells where things are."""
BATCH = 8
"""Pictures in one pass: larger ones gain nothing on a processor."""
LAYERS = "both"
Pixels = NDArray[np.uint8]


class ImageEncoder(Protocol):
    """Pictures to vectors, the same for all projects. name: tells it from all others, weights and sizes
    included; dims: numbers per vector."""

    @property
    def name(self) -> str: ...

    @property
    def dims(self) -> int: ...

    def encode(self, pictures: Sequence[Pixels]) -> Tensor:
        """pictures: uint8 [H, W, 3] each, red, green and blue, of any size. Float32 [N, dims], finite."""


class Lite0Encoder:
    """Pictures to float32 [N, 1280 + 448], each of the two blocks of length 1. The same for all projects."""

    def __init__(self, network: Lite0, side: int = SIDE):
        self._network = network
        self._side = side

    @property
    def name(self) -> str:
        return f"lite0-{self._side}-{LAYERS}"

    @property
    def dims(self) -> int:
        return LAST_CHANNELS + MIDDLE_CHANNELS * GRID * GRID

    def encode(self, pictures: Sequence[Pixels]) -> Tensor:
        """Float32 [N, dims]."""
        rows = [
            self._encoded([squared(picture, self._side) for picture in pictures[start : start + BATCH]])
            for start in range(0, len(pictures), BATCH)
        ]
        return torch.cat(rows) if rows else torch.zeros(0, self.dims)

    def _encoded(self, batch: list[Tensor]) -> Tensor:
        maps = self._network.maps(torch.stack(batch))
        last = maps.last.mean((2, 3))
        middle = F.adaptive_avg_pool2d(maps.middle, GRID).flatten(1)
        return torch.cat([F.normalize(last), F.normalize(middle)], dim=1)


def squared(picture: Pixels, side: int) -> Tensor:
    """The whole picture, brought to a square: float32 [3, side, side], 0 to 255.

    Nothing is cut off: what an annotator is asked about may stand at the edge. What gets smaller is averaged,
    not sampled.
    """
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    if pixels.shape[-2:] != (side, side):
        size = (side, side)
        pixels = F.interpolate(pixels, size, mode="bicubic", antialias=True, align_corners=False)
    return pixels[0].clamp(0, 255)
