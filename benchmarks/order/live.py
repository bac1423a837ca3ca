"""One learning curve as annotators of a project meet it: five labels, a retrain, the next five.

Nothing is labelled at first: the queue begins with the product's cold start. The first R of the queue are
labelled, the classifier and its siblings are trained anew, the strategy ranks anew, and so on. The serving
network judges. Until there are labels of two classes random order, too, begins with the cold start, so that
all contenders of a seed have the same first labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from sklearn.metrics import f1_score
from torch import Tensor

from backend.learning.training import FOLDS, Trained, outputs, train, train_network
from backend.sampling import make_scene, rank_scene
from backend.sampling.registry import find
from benchmarks.order.data import Data

R = 5
"""Labels between two retrains."""
POOL = 1_000
"""Items that wait, at most; another seed draws others, since the cold start knows no chance of its own."""
WITHOUT_SIBLINGS = frozenset(
    {"least_confidence", "margin", "ratio", "entropy", "badge", "contrastive"}
    | {"dropout_margin", "dropout_entropy", "dropout_bald"}
)
"""They look at the serving network alone: two siblings are trained in the place of ten."""


class Start(NamedTuple):
    """rows: int64 [n], the pool's rows that wait at first; classes: how many there are."""

    rows: Tensor
    classes: int


def curve(data: Data, name: str, seed: int, budgets: Sequence[int]) -> list[float]:
    """Macro-F1 of the serving network on the test part at so many labels, each a multiple of R."""
    if odd := [budget for budget in budgets if budget % R]:
        raise ValueError(f"live, {R} labels come at a time: none of {odd} can be met")
    start = _start(data, seed, budgets[-1])
    known = torch.zeros(0, dtype=torch.int64)
    points = []
    for budget in budgets:
        while len(known) < budget:
            known = torch.cat([known, _next(data, start, known, name, seed)])
        points.append(_judged(data, known, start.classes, seed))
    return points


def _start(data: Data, seed: int, most: int) -> Start:
    waiting = min(max(len(data.pool) * 4 // 5, most), POOL)
    chance = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(data.pool), generator=chance)[:waiting]
    return Start(rows, int(max(data.targets.max(), data.truth.max())) + 1)


def _next(data: Data, start: Start, known: Tensor, name: str, seed: int) -> Tensor:
    """The first R of the queue: int64 [R], rows of the whole pool."""
    x, y = data.pool[known], data.targets[known]
    taught = len(y.unique()) > 1
    trained: Trained | None = None
    if taught and find(name, {}).needs_classifier:
        folds = 2 if name in WITHOUT_SIBLINGS else FOLDS
        trained = _taught(data, tuple(known.tolist()), start.classes, folds, seed)
    waiting = start.rows[~torch.isin(start.rows, known)]
    scene = make_scene(
        data.pool[waiting],
        x,
        y,
        n_classes=start.classes,
        seed=seed * 1_000_003 + len(y),
        trained=trained,
        blocks=data.blocks,
    )
    return waiting[rank_scene(name if taught else "margin", scene, R).order[:R]]


@lru_cache(maxsize=8)
def _taught(data: Data, known: tuple[int, ...], classes: int, folds: int, seed: int) -> Trained:
    """Kept, since strategies of a seed begin with the same labels."""
    rows = torch.tensor(known)
    return train(data.pool[rows], data.targets[rows], classes, folds=folds, seed=seed)


def _judged(data: Data, known: Tensor, classes: int, seed: int) -> float:
    targets = data.targets[known]
    if len(targets.unique()) < 2:
        predicted = targets[:1].expand(len(data.truth))
    else:
        network = train_network(data.pool[known], targets, classes, seed=seed)
        predicted = outputs(network, data.test).logits.argmax(-1)
    return float(f1_score(data.truth, predicted, average="macro", zero_division=0))
