"""Rows of features, as directions."""

from __future__ import annotations

import torch
from torch import Tensor


def unit_rows(rows: Tensor) -> Tensor:
    """Rows scaled to length 1, float32; the tensor itself when they have it already."""
    rows = rows.float()
    lengths = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    if ((lengths - 1).abs() < 1e-3).all():
        return rows
    return rows / lengths.clamp(min=1e-12)
