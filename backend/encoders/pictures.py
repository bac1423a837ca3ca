"""Pictures to vectors: a network's last layer and a middle one side by side.

The last layer of a network that learned photographs knows little of letters and drawings; a middle one does,
and costs nothing on photographs (docs/measured.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from backend.encoders.backbones import Depth
from backend.encoders.lite0 import LAST_CHANNELS, MIDDLE_CHANNELS, Lite0
from backend.encoders.picture_blocks import PictureBackbone
from backend.encoders.placed import Placed
from backend.encoders.squares import GRID, Pixels, pooled_last, pooled_middle, squared

SIDE = 112
"""Pixels of the square that a picture is brought to: 224 costs four times as long."""
BATCH = 8
"""Pictures in one pass: larger ones gain nothing on a processor."""
LAYERS = "both"


class ImageEncoder(Protocol):
    """Pictures to vectors, the same for all projects. name: tells it from all others, weights and sizes
    included; block_widths: of the layers that a vector is made of; dims: numbers per vector."""

    @property
    def name(self) -> str: ...

    @property
    def block_widths(self) -> tuple[int, ...]: ...

    @property
    def dims(self) -> int: ...

    def load(self) -> None:
        """Read the weights, once per process. Raises ValueError, saying what to do, where there are none."""

    def encode(self, pictures: Sequence[Pixels]) -> Tensor:
        """pictures: uint8 [H, W, 3] each, red, green and blue, of any size. Float32 [N, dims], finite."""


class Lite0Encoder:
    """Pictures to float32 [N, 1280 + 448], each of the two blocks of length 1. network: read when it is
    needed."""

    def __init__(self, network: Callable[[], Lite0], side: int = SIDE):
        self._network = network
        self._side = side
        self._placed = Placed(network)

    def load(self) -> None:
        self._network()

    @property
    def name(self) -> str:
        return f"lite0-{self._side}-{LAYERS}"

    @property
    def block_widths(self) -> tuple[int, int]:
        """The widths of the two."""
        return LAST_CHANNELS, MIDDLE_CHANNELS * GRID * GRID

    @property
    def dims(self) -> int:
        return sum(self.block_widths)

    def backbone(self, depth: Depth) -> PictureBackbone:
        """The network to be adapted."""
        return PictureBackbone(self._placed, self._side, depth)

    def encode(self, pictures: Sequence[Pixels]) -> Tensor:
        """Float32 [N, dims]."""
        rows = [
            self._encoded([squared(picture, self._side) for picture in pictures[start : start + BATCH]])
            for start in range(0, len(pictures), BATCH)
        ]
        return torch.cat(rows) if rows else torch.zeros(0, self.dims)

    def _encoded(self, batch: list[Tensor]) -> Tensor:
        device, network = self._placed()
        maps = network.maps(torch.stack(batch).to(device))
        return torch.cat([pooled_last(maps.last), pooled_middle(maps.middle)], dim=1).cpu()
