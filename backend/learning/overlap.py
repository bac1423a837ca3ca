"""How boxes overlap: float [..., 4], x, y, width and height, in percent of their picture or in cells."""

from __future__ import annotations

import torch
from torch import Tensor


def iou(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union, in [0, 1]. one: float [..., n, 4]; other: [..., m, 4]. Float [..., n, m]."""
    both, union, _ = _areas(one[..., :, None, :], other[..., None, :, :])
    return both / union.clamp(min=1e-9)


def giou(one: Tensor, other: Tensor) -> Tensor:
    """Generalised IoU of pairs, in [-1, 1] (Rezatofighi et al. 2019): float [...]. Both: float [..., 4]."""
    both, union, hull = _areas(one, other)
    return both / union.clamp(min=1e-9) - (hull - union) / hull.clamp(min=1e-9)


def _areas(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of each pair: what both cover, what either does, and the least box around them."""
    begin, end = one[..., :2], one[..., :2] + one[..., 2:]
    start, stop = other[..., :2], other[..., :2] + other[..., 2:]
    both = (torch.minimum(end, stop) - torch.maximum(begin, start)).clamp(min=0).prod(-1)
    hull = (torch.maximum(end, stop) - torch.minimum(begin, start)).prod(-1)
    union = one[..., 2:].prod(-1) + other[..., 2:].prod(-1) - both
    return both, union, hull


def suppressed(boxes: Tensor, at: float) -> Tensor:
    """Greedy non-maximum suppression: which boxes overlap an earlier one that stays by more than `at`.

    boxes: float [N, k, 4] of N pictures, the surest first. Bool [N, k].
    """
    over = iou(boxes, boxes) > at
    gone = torch.zeros(boxes.shape[:2], dtype=torch.bool, device=boxes.device)
    for i in range(boxes.shape[1] - 1):
        gone[:, i + 1 :] |= over[:, i, i + 1 :] & ~gone[:, i, None]
    return gone
