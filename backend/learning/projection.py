"""Vectors in two dimensions: a picture in which items that are alike lie together.

By t-SNE (van der Maaten and Hinton, 2008) with the gradient interpolated on a grid (FIt-SNE, Linderman et
al., 2019), as openTSNE has it; what is near what is told exactly, on the vectors' first principal
components. The same for the same vectors. It takes minutes for a hundred thousand, so it is done in pieces,
between which everything that it needs to go on can be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

PERPLEXITY = 15.0
COMPONENTS = 64
EARLY, LATE = 250, 250
"""Steps; in the early ones likeness counts EXAGGERATION times, which lets groups find together."""
EXAGGERATION = 16.0
"""A power of two: it is multiplied in and divided out again without rounding, so that a projection which was
interrupted comes to the same picture."""
PIECE = 25
"""Steps of a piece."""
FEW = 2000
"""Of fewer items the gradient is summed over a tree (Barnes-Hut), which is quicker there."""
PLACED_BY = 10
"""Items of a finished picture by which a new one is placed."""
_ROWS = 256
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """A projection under way. near: int64 [N, k], of each item those most like it; far: float32 [N, k], how
    far they are; positions, gains, momentum: float64 [N, 2]; steps: that are done."""

    near: Tensor
    far: Tensor
    positions: Numbers
    gains: Numbers
    momentum: Numbers
    steps: int = 0

    @property
    def is_done(self) -> bool:
        return self.steps >= EARLY + LATE or len(self.positions) < 4

    @property
    def share(self) -> float:
        """Of the steps that are done, in [0, 1]."""
        return 1.0 if self.is_done else self.steps / (EARLY + LATE)

    def arrays(self) -> Mapping[str, npt.NDArray[np.generic]]:
        """What `restored` takes."""
        return {
            "near": self.near.numpy(),
            "far": self.far.numpy(),
            "positions": self.positions,
            "gains": self.gains,
            "momentum": self.momentum,
            "steps": np.array([self.steps]),
        }


def restored(arrays: Mapping[str, npt.NDArray[np.generic]]) -> Course:
    """Raises KeyError for what `Course.arrays` did not give."""
    near, far = torch.from_numpy(arrays["near"]), torch.from_numpy(arrays["far"])
    positions, gains, momentum = (
        np.array(arrays[name], np.float64) for name in ("positions", "gains", "momentum")
    )
    return Course(near, far, positions, gains, momentum, int(arrays["steps"][0]))


def begun(vectors: Tensor, between: Callable[[], object] = lambda: None) -> Course:
    """vectors: float [N, D]. between: called often, may raise."""
    reduced = principal(vectors, COMPONENTS)
    k = min(int(3 * PERPLEXITY), max(len(vectors) - 1, 0))
    near, far = nearest(reduced, reduced, k, but_itself=True, between=between)
    start = reduced[:, :2].double()
    if start.shape[1] < 2:
        start = torch.nn.functional.pad(start, (0, 2 - start.shape[1]))
    start = start / start[:, 0].std().clamp(min=1e-12) * 1e-4 if len(start) > 1 else start
    positions = start.numpy()
    return Course(near, far, positions, np.ones_like(positions), np.zeros_like(positions))


def ended(course: Course, piece_done: Callable[[Course], object] = lambda course: None) -> Course:
    """piece_done: told of the course after each piece; what it raises ends it."""
    if course.is_done:
        return course
    picture = _picture(course)
    while course.steps < EARLY + LATE:
        early = course.steps < EARLY
        steps = min(PIECE, (EARLY if early else EARLY + LATE) - course.steps)
        exaggeration, momentum = (EXAGGERATION, 0.5) if early else (None, 0.8)
        picture = picture.optimize(steps, exaggeration=exaggeration, momentum=momentum)
        moves = picture.optimizer
        positions, steps = np.array(picture), course.steps + steps
        course = replace(course, positions=positions, gains=moves.gains, momentum=moves.update, steps=steps)
        piece_done(course)
    return course


def _picture(course: Course) -> Any:
    """openTSNE's own, where the course has come to."""
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    index = PrecomputedNeighbors(course.near.numpy(), course.far.double().numpy())
    affinities = PerplexityBasedNN(knn_index=index, perplexity=course.near.shape[1] / 3, n_jobs=1)
    method = "bh" if len(course.positions) < FEW else "fft"
    picture = TSNEEmbedding(course.positions.copy(), affinities, negative_gradient_method=method, n_jobs=1)
    picture.optimizer.gains = course.gains.copy()
    picture.optimizer.update = course.momentum.copy()
    return picture


def placed(
    new: Tensor, old: Tensor, positions: Tensor, between: Callable[[], object] = lambda: None
) -> Tensor:
    """Where new items lie in a finished picture, float32 [M, 2]: in the middle (by the median) of those in it
    that they are most like.

    new: float [M, D]; old: float [N, D], at these positions, float [N, 2].
    """
    if not len(old):
        return torch.zeros(len(new), 2)
    near, _ = nearest(new, old, min(PLACED_BY, len(old)), between=between)
    return positions.float()[near].median(1).values


def principal(vectors: Tensor, count: int) -> Tensor:
    """The first principal components, float32 [N, at most count], each with a sign of its own that does not
    depend on the machine."""
    centred = vectors.float() - vectors.float().mean(0) if len(vectors) else vectors.float()
    _, axes = torch.linalg.eigh((centred.T @ centred).double())
    axes = axes.flip(1)[:, :count]
    largest = axes.abs().argmax(0)
    axes = axes * axes[largest, torch.arange(axes.shape[1])].sign()
    return centred @ axes.float()


def nearest(
    asked: Tensor,
    among: Tensor,
    k: int,
    *,
    but_itself: bool = False,
    between: Callable[[], object] = lambda: None,
) -> tuple[Tensor, Tensor]:
    """The k most like each, the nearest first: which, int64 [N, k], and how far, float32 [N, k].

    asked: float [N, D]; among: float [M, D]; but_itself: they are the same, and none is its own neighbour.
    """
    length = among.square().sum(1)
    near = torch.zeros(len(asked), k, dtype=torch.int64)
    far = torch.zeros(len(asked), k)
    for start in range(0, len(asked), _ROWS):
        rows = asked[start : start + _ROWS]
        apart = rows.square().sum(1, keepdim=True) - 2 * rows @ among.T + length
        if but_itself:
            apart[torch.arange(len(rows)), start + torch.arange(len(rows))] = torch.inf
        found = apart.topk(k, largest=False)
        near[start : start + _ROWS] = found.indices
        far[start : start + _ROWS] = found.values.clamp(min=0).sqrt()
        between()
    return near, far


def kept_near(vectors: Tensor, positions: Tensor, sample: Tensor) -> float:
    """How many of an item's 10 nearest are among its 30 nearest in the picture, as a share, over a sample of
    items, int64 [n]."""
    true = _nearest_but_itself(vectors, sample, 10)
    shown = _nearest_but_itself(positions.float(), sample, 30)
    return float((true[:, :, None] == shown[:, None, :]).any(2).float().mean())


def _nearest_but_itself(vectors: Tensor, sample: Tensor, k: int) -> Tensor:
    near, _ = nearest(vectors[sample], vectors, min(k + 1, len(vectors)))
    found = [
        [i for i in row if i != own][:k] for row, own in zip(near.tolist(), sample.tolist(), strict=True)
    ]
    return torch.tensor(found)
