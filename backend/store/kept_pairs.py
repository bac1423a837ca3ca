"""The vectors of pairs of images: what the left one has more of than the right one."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from backend.pairs import sides
from backend.store.finding import Found
from backend.store.kept_images import KeptImages


class KeptPairs(KeptImages):
    def found(self, values: Sequence[str]) -> Found:
        """values: pairs of what stands in tasks. A pair is there where both images are."""
        single = super().found([side for value in values for side in sides(value)])
        there = torch.from_numpy(single.has).view(-1, 2)
        rows = (there.flatten().cumsum(0) - 1).view(-1, 2)[there.all(1)]
        left, right = single.features[rows[:, 0]], single.features[rows[:, 1]]
        return Found(left - right, there.all(1).numpy())

    def pictures(self, values: Sequence[str]) -> list[bytes]:
        """None: a pair is no picture."""
        return [b""] * len(values)
