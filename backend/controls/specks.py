"""Areas too small for anybody to correct."""

from __future__ import annotations

import numpy as np

from backend.controls.runs import Bools

LEAST = 0.001
"""Of the picture: a smaller area that is marked, or a smaller gap in one, is a speck."""


def without_specks(marked: Bools) -> Bools:
    """marked: bool [h, w]."""
    if not marked.any():
        return marked
    return _large(~_large(~marked))


def _large(marked: Bools) -> Bools:
    """Of what is marked the areas that are no specks."""
    from scipy import ndimage  # 30 MB, and not for the command line

    area, count = ndimage.label(marked)
    sizes = np.bincount(area.ravel(), minlength=count + 1)
    large = sizes >= LEAST * marked.size
    large[0] = False
    return np.asarray(large[area])
