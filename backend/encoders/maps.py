"""Pictures to feature maps: what a pretrained network sees at each place, for boxes and masks.

A picture is stretched to a square, so that x percent of its width is x percent of the map's, both ways, and
nobody has to know the picture's size. Maps of several strides lie side by side on one grid (as in Hariharan
et al. 2015, hypercolumns): finer ones than the grid are folded, each of their cells' values a channel of its
own, coarser ones are enlarged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.encoders.lite0 import LEVELS, Lite0
from backend.encoders.lite0_weights import lite0
from backend.encoders.placed import Placed
from backend.encoders.squares import Pixels, squared

SIDE = 320
"""Pixels of the square that a picture is brought to: 75 to 80 CPU ms an image."""
BOXES, MASKS = (8, 16, 32), (4, 8, 16, 32)
"""Strides that pay for boxes (on a grid of 20 x 20) and for masks (on 80 x 80)."""
BATCH = 4
"""Pictures in one pass."""
NAMES = ("lite0",)


class MapEncoder(Protocol):
    """Pictures to maps, the same for all projects, in a form to keep: a row of bytes for each picture.

    name: tells it from all others, weights and sizes included; row_bytes: of one picture; grid: cells a side;
    channels: numbers per cell.
    """

    @property
    def name(self) -> str: ...

    @property
    def row_bytes(self) -> int: ...

    @property
    def grid(self) -> int: ...

    @property
    def channels(self) -> int: ...

    def load(self) -> None:
        """Read the weights, once per process. Raises ValueError, saying what to do, where there are none."""

    def encode(self, pictures: Sequence[Pixels]) -> Tensor:
        """pictures: uint8 [H, W, 3] each, of any size. What is to be kept of them: uint8 [N, row_bytes]."""

    def opened(self, rows: Tensor) -> Tensor:
        """Kept rows, uint8 [N, row_bytes], as maps: float32 [N, channels, grid, grid], y before x."""

    def at(self, rows: Tensor, points: Tensor) -> Tensor:
        """What `opened` gives at some points alone, bilinearly between the middles of cells: float32
        [N, P, channels]. points: float32 [N, P, 2], x and y, from 0 to 1 of the picture's width and height.
        Raises ValueError for maps that have a finer one than the grid."""


class Lite0Maps:
    """EfficientNet-lite0's maps of these strides, the grid that of `stride`, one of them.

    They are kept at their own sizes in 8 bits a number, between the least and the largest of its channel and
    picture: 143 KB a picture for boxes, which is a third of what half-precision floats on the grid take, and
    296 KB for masks.
    """

    def __init__(self, network: Callable[[], Lite0], strides: Sequence[int], stride: int, side: int = SIDE):
        if stride not in strides or any(a >= b for a, b in pairwise(strides)):
            raise ValueError(f"strides {list(strides)} must rise and have {stride} among them")
        if side % strides[-1]:
            raise ValueError(f"a side of {side} pixels is no multiple of the stride {strides[-1]}")
        self._network = network
        self._placed = Placed(network)
        self._strides = tuple(strides)
        self._stride = stride
        self._side = side

    def load(self) -> None:
        self._network()

    @property
    def name(self) -> str:
        return f"lite0maps-{self._side}-{'.'.join(map(str, self._strides))}"

    @property
    def grid(self) -> int:
        return self._side // self._stride

    @property
    def channels(self) -> int:
        return sum(LEVELS[each][1] * max(self._stride // each, 1) ** 2 for each in self._strides)

    @property
    def row_bytes(self) -> int:
        return sum(math.prod(shape) + 4 * shape[0] for shape in self._shapes)

    @property
    def _shapes(self) -> list[tuple[int, int, int]]:
        return [(LEVELS[each][1], self._side // each, self._side // each) for each in self._strides]

    def encode(self, pictures: Sequence[Pixels]) -> Tensor:
        rows = [
            self._encoded([squared(picture, self._side) for picture in pictures[start : start + BATCH]])
            for start in range(0, len(pictures), BATCH)
        ]
        return torch.cat(rows) if rows else torch.zeros(0, self.row_bytes, dtype=torch.uint8)

    def _encoded(self, batch: list[Tensor]) -> Tensor:
        device, network = self._placed()
        levels = network.pyramid(torch.stack(batch).to(device), self._strides)
        return torch.cat([_in_bytes(level.cpu()) for level in levels], dim=1)

    def opened(self, rows: Tensor) -> Tensor:
        if not len(rows):
            return torch.zeros(0, self.channels, self.grid, self.grid)
        return torch.cat([_on_grid(each, self.grid) for each in self._levels(rows)], dim=1)

    def at(self, rows: Tensor, points: Tensor) -> Tensor:
        if self._strides[0] < self._stride:
            raise ValueError(f"maps of strides {list(self._strides)} are read as a whole")
        if not len(rows):
            return torch.zeros(0, points.shape[1], self.channels)
        return torch.cat([at_points(each, points) for each in self._levels(rows)], dim=2)

    def _levels(self, rows: Tensor) -> list[Tensor]:
        """Each at its own size, float32 [N, C, H, H]."""
        levels = rows.split([math.prod(shape) + 4 * shape[0] for shape in self._shapes], dim=1)
        return [_from_bytes(level, shape) for level, shape in zip(levels, self._shapes, strict=True)]


def find_map_encoder(name: str, strides: Sequence[int] = BOXES) -> MapEncoder:
    """By its own name, for BOXES or for MASKS. Raises ValueError, saying what there is, for another one.
    Its weights are read when they are needed."""
    if name not in NAMES:
        raise ValueError(f"{name!r} gives no maps of pictures; choose one of: {', '.join(NAMES)}")
    return Lite0Maps(lite0, strides, 4 if 4 in strides else 16)


def at_points(maps: Tensor, points: Tensor) -> Tensor:
    """Bilinearly between the middles of cells, as maps are enlarged: float32 [N, P, C].

    maps: float32 [N, C, H, W]; points: float32 [N, P, 2], x and y in [0, 1].
    """
    where = (points * 2 - 1)[:, None]  # [N, 1, P, 2]
    found = F.grid_sample(maps, where, mode="bilinear", padding_mode="border", align_corners=False)
    return found[:, :, 0].transpose(1, 2)


def _in_bytes(level: Tensor) -> Tensor:
    """uint8 [N, 4 C + C H W]: each channel's least number and step as float16, then the numbers.

    level: float32 [N, C, H, W].
    """
    flat = level.flatten(2)
    low = flat.amin(-1).half()
    step = ((flat.amax(-1) - low.float()) / 255).clamp(min=1e-7).half().clamp(min=2**-24)
    numbers = ((flat - low.float()[..., None]) / step.float()[..., None]).round().clamp(0, 255)
    head = torch.stack([low, step], dim=1).flatten(1).view(torch.uint8)
    return torch.cat([head, numbers.flatten(1).to(torch.uint8)], dim=1)


def _from_bytes(rows: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """The way back: float32 [N, *shape]."""
    head = rows[:, : 4 * shape[0]].contiguous().view(torch.float16).float()
    low, step = head.view(len(rows), 2, shape[0], 1, 1).unbind(1)
    return rows[:, 4 * shape[0] :].reshape(len(rows), *shape).float() * step + low


def _on_grid(level: Tensor, grid: int) -> Tensor:
    """level: float32 [N, C, H, H]; [N, C', grid, grid], C' larger where H is."""
    side = level.shape[-1]
    if side > grid:
        return F.pixel_unshuffle(level, side // grid)
    if side < grid:
        return F.interpolate(level, (grid, grid), mode="bilinear", align_corners=False)
    return level
