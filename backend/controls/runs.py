"""Which pixels of an image are marked, as runs: nothing here is as large as the image.

Runs are int64 [2 R], rising: the first pixel of each run and the one behind its last, row by row from the top
left. Runs neither touch nor overlap, so that equal masks have equal runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Runs = NDArray[np.int64]
Bools = NDArray[np.bool_]


def no_runs() -> Runs:
    return np.zeros(0, np.int64)


def runs_of(mask: Bools) -> Runs:
    """mask: bool [height, width]."""
    flat = np.concatenate([[False], mask.ravel(), [False]])
    return np.flatnonzero(flat[1:] != flat[:-1]).astype(np.int64)


def mask_of(runs: Runs, height: int, width: int) -> Bools:
    """Bool [height, width]: as large as the image."""
    change = np.zeros(height * width + 1, np.int8)
    change[runs[::2]] += 1
    change[runs[1::2]] -= 1
    return np.cumsum(change[:-1], dtype=np.int8).reshape(height, width).astype(bool)


def area(runs: Runs) -> int:
    """Pixels that are marked."""
    return int((runs[1::2] - runs[::2]).sum())


def covered(several: Sequence[Runs], weights: Sequence[float], least: float) -> Runs:
    """What is marked with a weight, in sum, of at least so much. least: above 0."""
    edges = np.concatenate([no_runs(), *several])
    if not len(edges):
        return no_runs()
    steps = [
        weight * (1 - 2 * (np.arange(len(runs)) % 2)) for runs, weight in zip(several, weights, strict=True)
    ]
    order = edges.argsort(kind="stable")
    edges, weight = edges[order], np.concatenate(steps)[order].cumsum()
    last = np.append(edges[1:] != edges[:-1], True)  # of all that changes at a pixel
    marked = weight[last] >= least - 1e-9
    changes = np.flatnonzero(np.diff(marked, prepend=False))
    return edges[last][changes]


def union(*several: Runs) -> Runs:
    return covered(several, [1.0] * len(several), 1)


def both(one: Runs, other: Runs) -> Runs:
    return covered([one, other], [1.0, 1.0], 2)


def without(one: Runs, other: Runs) -> Runs:
    """What the first marks and the second does not."""
    return covered([one, other], [1.0, -1.0], 1)


def in_few(runs: Runs, most: int) -> Runs:
    """The same in at most so many runs: the shortest gaps are closed, then the shortest runs dropped.

    most: at least 1.
    """
    least = 2
    while len(runs) > 2 * most:
        inner = runs[1:-1].reshape(-1, 2)
        closed = np.diff(inner, axis=1).ravel() < least
        runs = np.concatenate([runs[:1], inner[~closed].ravel(), runs[-1:]])
        pairs = runs.reshape(-1, 2)
        runs = pairs[np.diff(pairs, axis=1).ravel() >= least].ravel()
        least *= 2
    return runs


def shares(runs: Runs, size: tuple[int, int], grid: tuple[int, int]) -> NDArray[np.float64]:
    """How much of each cell of a grid over the image is marked: float64 in [0, 1], [rows, columns].

    size: height and width of the image; grid: rows and columns, of cells that share pixels at their borders
    where they do not divide the image evenly. Takes time and memory for each row of the image that is marked
    in part, however many rows an annotation claims there are.
    """
    (height, width), (rows, columns) = size, grid
    partly = np.unique(runs[runs % width > 0] // width)
    in_partly = np.zeros((len(partly) + 1, columns))
    in_partly[1:] = _in_columns(runs, partly, width, columns).cumsum(axis=0)
    entirely = np.stack([-(-runs[::2] // width), runs[1::2] // width], 1)  # rows of the image
    entirely[:, 1] = entirely.max(1)

    def above(row: NDArray[np.int64]) -> NDArray[np.float64]:
        """Pixels that are marked above a row of the image, in each column of the grid."""
        full = _marked_before(entirely.ravel(), row)[:, None] * (width / columns)
        return np.asarray(in_partly[np.searchsorted(partly, row)] + full)

    borders = np.arange(rows + 1) * height / rows
    whole = np.floor(borders).astype(np.int64)
    at = above(whole)
    at += (above(np.minimum(whole + 1, height)) - at) * (borders - whole)[:, None]
    return np.diff(at, axis=0) / (height / rows * width / columns)


def _in_columns(runs: Runs, row: NDArray[np.int64], width: int, columns: int) -> NDArray[np.float64]:
    """Pixels that are marked in each column of a grid, of some rows of the image, all of those in which a run
    begins or ends behind the first pixel: [len(row), columns]."""
    borders = np.arange(columns + 1) * width / columns
    change = 1.0 - 2 * (np.arange(len(runs)) % 2)
    inner = runs % width > 0
    x, change = runs[inner] % width, change[inner]
    place = np.searchsorted(row, runs[inner] // width) * len(borders) + np.searchsorted(borders, x)
    # What is left of a border: its distance to each beginning there, less that to each end.
    cells = len(row) * len(borders)
    count, sum_of_x = (
        np.bincount(place, weights, cells).reshape(-1, len(borders)).cumsum(1)
        for weights in (change, change * x)
    )
    count += (np.searchsorted(runs, row * width, side="right") % 2)[:, None]  # marked from its first pixel on
    return np.diff(count * borders - sum_of_x, axis=1)


def _marked_before(runs: Runs, at: NDArray[np.int64]) -> NDArray[np.int64]:
    """How much is marked before these. runs: may touch, or be empty."""
    before = np.concatenate([[0], (runs[1::2] - runs[::2]).cumsum()])
    full = np.searchsorted(runs[1::2], at, side="right")
    begun = np.append(runs[::2], np.iinfo(np.int64).max)[full]
    return np.asarray(before[full] + (at - begun).clip(min=0))
