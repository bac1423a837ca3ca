"""Pictures as squares of one size, and maps of them as vectors."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

GRID = 2
"""The middle map is pooled to so many cells a side, so that it still tells where things are."""
Pixels = NDArray[np.uint8]


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


def pooled_last(last: Tensor) -> Tensor:
    """Unit vectors, float32 [N, C]. last: float32 [N, C, H, W]."""
    return F.normalize(last.mean((2, 3)))


def pooled_middle(middle: Tensor) -> Tensor:
    """Unit vectors, float32 [N, C * GRID * GRID]. middle: float32 [N, C, H, W]."""
    return F.normalize(F.adaptive_avg_pool2d(middle, GRID).flatten(1))
