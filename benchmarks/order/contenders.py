"""What picks: this project's strategies by name, and scikit-activeml's as "ska: NAME"."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from backend.learning.training import train
from backend.sampling import make_scene, rank_scene
from backend.sampling.registry import find

Pick = Callable[[Tensor, Tensor, Tensor, int, int, int], Tensor]
"""(pool [N, D], labelled rows [M], their targets [M], classes, n, seed) -> n other rows of the pool."""
SKA = "ska: "
PEERS: dict[str, tuple[str, bool]] = {
    "typiclust": ("TypiClust", False),
    "coreset": ("CoreSet", False),
    "probcover": ("ProbCover", False),
    "maxherding": ("MaxHerding", False),
    "dropquery": ("DropQuery", True),
    "badge": ("Badge", True),
    "falcun": ("Falcun", True),
    "clue": ("Clue", True),
}
"""Their class, and whether it asks a classifier."""


def regression() -> LogisticRegression:
    """The judge, and the classifier that scikit-activeml's strategies ask."""
    return LogisticRegression(C=10, class_weight="balanced", max_iter=1000)


def contender(name: str) -> Pick:
    if name.startswith(SKA):
        return partial(_peers, name.removeprefix(SKA))
    return partial(_ours, name)


def _ours(name: str, pool: Tensor, known: Tensor, targets: Tensor, classes: int, n: int, seed: int) -> Tensor:
    waiting = others(known, len(pool))
    trained = None
    if find(name, {}).needs_classifier and len(targets.unique()) > 1:
        trained = train(pool[known], targets, classes, seed=seed)
    parts = pool[waiting], pool[known], targets
    scene = make_scene(*parts, n_classes=classes, seed=seed, batch=n, trained=trained)
    return waiting[rank_scene(name, scene, n).order[:n]]


def _peers(
    name: str, pool: Tensor, known: Tensor, targets: Tensor, classes: int, n: int, seed: int
) -> Tensor:
    from skactiveml import pool as strategies  # installed beside, see `__main__`
    from skactiveml.classifier import SklearnClassifier

    warnings.filterwarnings("ignore")
    kind, asks = PEERS[name]
    options: dict[str, Any] = {"n_classes": classes} if kind == "ProbCover" else {}
    labels = np.full(len(pool), np.nan)
    labels[known] = targets
    features: np.ndarray = pool.double().numpy()
    given: dict[str, Any] = {}
    if asks and len(targets.unique()) < 2:  # nothing to ask yet
        return _ours("random", pool, known, targets, classes, n, seed)
    if asks:
        classifier = SklearnClassifier(regression(), classes=targets.unique().tolist())
        asked = "estimator" if kind == "Clue" else "clf"
        given = {asked: classifier.fit(features, labels), f"fit_{asked}": False}
    strategy = getattr(strategies, kind)(random_state=seed, **options)
    return torch.from_numpy(
        np.asarray(strategy.query(X=features, y=labels, batch_size=n, **given)).astype(int)
    )


def others(rows: Tensor, n: int) -> Tensor:
    waiting = torch.ones(n, dtype=torch.bool)
    waiting[rows] = False
    return waiting.nonzero().squeeze(1)
