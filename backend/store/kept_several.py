"""One vector of several images: what one has more of than the other, or what all have in common."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from backend.combining import Combine, each_of
from backend.content.addresses import Place
from backend.store.finding import Found
from backend.store.images import ImageFiles
from backend.store.kept_images import KeptImages


class KeptSeveral(KeptImages):
    """dims: of a single image's vector; count, combine: see `backend.combining`."""

    def __init__(self, files: ImageFiles, place: Place, dims: int, count: int, combine: Combine):
        super().__init__(files, place, dims)
        self._count = count
        self._combine = combine

    def found(self, values: Sequence[str]) -> Found:
        """values: the images' addresses, as tasks hold them. A content is there where all its images are."""
        single = super().found([each for value in values for each in each_of(value, self._count)])
        there = torch.from_numpy(single.has).view(-1, self._count)
        whole = there.all(1)
        rows = (there.flatten().cumsum(0) - 1).view(-1, self._count)[whole]
        return Found(self._combine(single.features[rows]), whole.numpy())

    def pictures(self, values: Sequence[str]) -> list[bytes]:
        """None: several are no picture."""
        return [b""] * len(values)
