"""Some cells of labelled images: which are taken, and what the images' maps hold there.

Neighbouring cells say much the same, so a few of many images teach more than many of few (Bansal et al. 2017,
"PixelNet").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

Look = Callable[[Tensor, Tensor], Tensor]
"""Items, int64 [n], and points of each, float32 [n, P, 2] (x and y in [0, 1] of the picture), -> what its
maps hold there, float32 [n, P, D]."""
UNSAID = -100
"""Target of a cell of which nobody said what it is."""
CELLS, AROUND, BACKGROUND = 400, 900, 300
"""Cells of each class, of the background around what is marked, and of other background, that are taken of an
image while there are few images: what is hard to tell is around."""
NEAR = 8
"""Cells from a marked one, down and across, that are around it."""
MOST = 60_000
"""Cells that are taken, so that a retrain takes seconds and 120 MB however many images there are."""


class Sample(NamedTuple):
    """Some cells of images: image: int64 [n], rising; cell: int64 [n], in [0, G * G); target: int64 [n];
    stands_for: float32 [n], how many cells of its kind and image each is one of."""

    image: Tensor
    cell: Tensor
    target: Tensor
    stands_for: Tensor


def sampled(targets: Tensor, n_classes: int, seed: int) -> Sample:
    """At random, of each image and class at most so many that all together are about MOST."""
    flat, kinds = targets.flatten(1), n_classes + 1
    kind = torch.where(_around(targets), n_classes, targets).flatten(1)
    image, cell = (flat != UNSAID).nonzero(as_tuple=True)
    group = image * kinds + kind[image, cell]
    shuffled = torch.randperm(len(group), generator=torch.Generator().manual_seed(seed))
    order = shuffled[group[shuffled].argsort(stable=True)]
    count = torch.bincount(group, minlength=len(flat) * kinds)
    place = torch.arange(len(group)) - (count.cumsum(0) - count)[group[order]]
    quota = torch.full((kinds,), CELLS)
    quota[0], quota[-1] = BACKGROUND, AROUND
    wanted = count.minimum(quota.repeat(len(flat)))
    taken = (wanted * min(1.0, MOST / max(int(wanted.sum()), 1))).ceil().long()
    chosen = order[place < taken[group[order]]].sort().values
    of, image, cell = group[chosen], image[chosen], cell[chosen]
    return Sample(image, cell, flat[image, cell], count[of] / taken[of])


def _around(targets: Tensor) -> Tensor:
    """Cells of the background near marked ones: bool [M, G, G]."""
    marked, reach = (targets > 0).float()[:, None], 2 * NEAR + 1
    near = F.max_pool2d(marked, (reach, 1), 1, (NEAR, 0))
    near = F.max_pool2d(near, (1, reach), 1, (0, NEAR))
    return (near[:, 0] > 0) & (targets == 0)


def read(look: Look, sample: Sample, grid: int) -> Tensor:
    """What the maps hold at some cells: float32 [n, D]."""
    points = centres(grid)
    images, counts = sample.image.unique_consecutive(return_counts=True)
    found: Tensor | None = None
    for image, cells, start in zip(
        images, sample.cell.split(counts.tolist()), (counts.cumsum(0) - counts).tolist(), strict=True
    ):
        held = look(image[None], points[cells][None])[0]
        if found is None:  # filled in turn: pieces to put together would be there twice
            found = torch.empty(len(sample.cell), held.shape[1])
        found[start : start + len(held)] = held
    return torch.empty(0, 0) if found is None else found


def centres(grid: int) -> Tensor:
    """Of a map's cells, row by row: float32 [grid * grid, 2], x and y in [0, 1]."""
    middle = (torch.arange(grid) + 0.5) / grid
    y, x = torch.meshgrid(middle, middle, indexing="ij")
    return torch.stack([x, y], dim=-1).view(-1, 2)
