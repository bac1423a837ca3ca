"""Other libraries' strategies, as they are; installed beside, see `__main__`."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.order.judge import regression

SCIKIT_ACTIVEML: dict[str, tuple[str, bool]] = {
    "typiclust": ("TypiClust", False),
    "coreset": ("CoreSet", False),
    "probcover": ("ProbCover", False),
    "maxherding": ("MaxHerding", False),
    "dropquery": ("DropQuery", True),
    "badge": ("Badge", True),
    "falcun": ("Falcun", True),
    "clue": ("Clue", True),
}
"""Their class, and whether it asks a classifier. 1.0.1 has no UHerding."""
SMALL_TEXT = {
    "coreset": "GreedyCoreset",
    "clusters": "EmbeddingKMeans",
    "contrastive": "ContrastiveActiveLearning",
}


def scikit_activeml(
    name: str, pool: Tensor, known: Tensor, targets: Tensor, classes: int, n: int, seed: int
) -> Tensor:
    from skactiveml import pool as strategies
    from skactiveml.classifier import SklearnClassifier

    warnings.filterwarnings("ignore")
    kind, asks = SCIKIT_ACTIVEML[name.partition(": ")[2]]
    options: dict[str, Any] = {"n_classes": classes} if kind == "ProbCover" else {}
    labels = np.full(len(pool), np.nan)
    labels[known] = targets
    features: np.ndarray = pool.double().numpy()
    given: dict[str, Any] = {}
    if asks and len(targets.unique()) < 2:
        return _at_random(known, len(pool), n, seed)
    if asks:
        classifier = SklearnClassifier(regression(), classes=targets.unique().tolist())
        asked = "estimator" if kind == "Clue" else "clf"
        given = {asked: classifier.fit(features, labels), f"fit_{asked}": False}
    strategy = getattr(strategies, kind)(random_state=seed, **options)
    return _rows(strategy.query(X=features, y=labels, batch_size=n, **given))


def small_text(
    name: str, pool: Tensor, known: Tensor, targets: Tensor, classes: int, n: int, seed: int
) -> Tensor:
    import small_text as library

    if len(targets.unique()) < 2:
        return _at_random(known, len(pool), n, seed)

    class Classifier(library.SklearnClassifier):  # type: ignore[misc]
        """Their embedding strategies ask the classifier for vectors: the features themselves."""

        def embed(self, data: Any, return_proba: bool = False, **_: Any) -> Any:
            return (data.x, self.predict_proba(data)) if return_proba else data.x

    np.random.seed(seed)  # theirs draw from numpy's common generator
    found = targets.unique(return_inverse=True)[1].numpy()  # their classes count from 0 without a gap
    labels = np.zeros(len(pool), dtype=int)
    labels[known] = found
    kinds = int(found.max()) + 1
    data = library.SklearnDataset(pool.double().numpy(), labels, target_labels=np.arange(kinds))
    classifier = Classifier(regression(), kinds)
    classifier.fit(data[known.numpy()])
    waiting = _others(known, len(pool))
    strategy = getattr(library, SMALL_TEXT[name.partition(": ")[2]])()
    return _rows(strategy.query(classifier, data, waiting, known.numpy(), found, n=n))


def modal(name: str, pool: Tensor, known: Tensor, targets: Tensor, classes: int, n: int, seed: int) -> Tensor:
    """Its ranked batches (Cardoso et al. 2017), the one that it has for batches."""
    from modAL.batch import uncertainty_batch_sampling
    from modAL.models import ActiveLearner

    if len(targets.unique()) < 2:
        return _at_random(known, len(pool), n, seed)
    features: np.ndarray = pool.double().numpy()
    learner = ActiveLearner(
        regression(),
        query_strategy=uncertainty_batch_sampling,
        X_training=features[known],
        y_training=targets.numpy(),
    )
    waiting = _others(known, len(pool))
    return _rows(waiting[np.asarray(learner.query(features[waiting], n_instances=n)[0])])


PEERS = {"ska": scikit_activeml, "st": small_text, "modAL": modal}
"""By what stands before their names."""


def _at_random(known: Tensor, size: int, n: int, seed: int) -> Tensor:
    """While there is nothing to ask a classifier for."""
    return _rows(np.random.default_rng(seed).permutation(_others(known, size))[:n])


def _others(known: Tensor, size: int) -> np.ndarray:
    return np.setdiff1d(np.arange(size), known.numpy())


def _rows(indices: Any) -> Tensor:
    return torch.from_numpy(np.asarray(indices).astype(int))
