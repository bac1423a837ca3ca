"""small-text, scikit-activeml, modAL and baal, installed in a Python of their own."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.data import CLASSES, DIMS, LABELED, PICKS, read_pool

SKACTIVEML = {
    "margin": ("UncertaintySampling", {"method": "margin_sampling"}),
    "entropy": ("UncertaintySampling", {"method": "entropy"}),
    "least_confidence": ("UncertaintySampling", {"method": "least_confident"}),
    "coreset": ("CoreSet", {}),
    "badge": ("Badge", {}),
    "typiclust": ("TypiClust", {}),
    "contrastive": ("ContrastiveAL", {}),
    "discriminative (1 round)": ("DiscriminativeAL", {"greedy_selection": True}),
}
SMALL_TEXT = {
    "margin": "BreakingTies",
    "least_confidence": "LeastConfidence",
    "entropy": "PredictionEntropy",
    "clusters": "EmbeddingKMeans",
    "coreset": "GreedyCoreset",
    "contrastive": "ContrastiveActiveLearning",
    "discriminative": "DiscriminativeActiveLearning",
}
MODAL = {
    "margin": "margin_sampling",
    "entropy": "entropy_sampling",
    "least_confidence": "uncertainty_sampling",
}
CASES = {
    **{f"scikit-activeml: {case}": case for case in SKACTIVEML},
    **{f"small-text: {case}": case for case in SMALL_TEXT},
    **{f"modAL: {case}": case for case in MODAL},
    "baal: bald": "bald",
}
BALD_PASSES = 20


def make(case: str, pool_file: Path, n: int) -> Callable[[], int]:
    warnings.filterwarnings("ignore")
    library, _, name = case.partition(": ")
    pool, labeled, targets = read_pool(pool_file)
    maker = {"scikit-activeml": _skactiveml, "small-text": _small_text, "modAL": _modal, "baal": _baal}[
        library
    ]
    return maker(name, pool, labeled, targets)


def _regression(labeled: np.ndarray, targets: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10, max_iter=500).fit(labeled, targets)


def _skactiveml(case: str, pool: np.ndarray, labeled: np.ndarray, targets: np.ndarray) -> Callable[[], int]:
    from skactiveml import pool as strategies
    from skactiveml.classifier import SklearnClassifier
    from sklearn.linear_model import LogisticRegression

    name, options = SKACTIVEML[case]
    features = np.concatenate([labeled, pool])
    labels = np.full(len(features), np.nan)
    labels[:LABELED] = targets
    classifier = SklearnClassifier(LogisticRegression(C=10, max_iter=500), classes=list(range(CLASSES)))
    classifier.fit(features, labels)
    needs: dict[str, Any] = {}
    if name in ("UncertaintySampling", "Badge"):
        needs = {"clf": classifier, "fit_clf": False}
    elif name == "ContrastiveAL":
        needs = {"clf": classifier}
    elif name == "DiscriminativeAL":
        needs = {"discriminator": SklearnClassifier(LogisticRegression(max_iter=500), classes=[0, 1])}

    def run() -> int:
        strategy = getattr(strategies, name)(random_state=0, **options)
        picks = strategy.query(X=features, y=labels, batch_size=PICKS, **needs)
        return len(set(np.asarray(picks).tolist()))

    return run


def _small_text(case: str, pool: np.ndarray, labeled: np.ndarray, targets: np.ndarray) -> Callable[[], int]:
    import small_text
    from sklearn.linear_model import LogisticRegression

    class Embedding(small_text.SklearnClassifier):
        """small-text asks the classifier for embeddings; here they are the features themselves."""

        def embed(self, dataset: Any, return_proba: bool = False, pbar: object = None, **_: object) -> Any:
            return (dataset.x, self.predict_proba(dataset)) if return_proba else dataset.x

    features = np.concatenate([labeled, pool])
    labels = np.zeros(len(features), np.int64)
    labels[:LABELED] = targets
    dataset = small_text.SklearnDataset(features, labels, target_labels=np.arange(CLASSES))
    known, unknown = np.arange(LABELED), np.arange(LABELED, len(features))
    classifier = Embedding(LogisticRegression(C=10, max_iter=500), CLASSES)
    classifier.fit(dataset[known])
    made = getattr(small_text, SMALL_TEXT[case])
    if case == "discriminative":
        factory = small_text.SklearnClassifierFactory(LogisticRegression(max_iter=500), 2)
        strategy = made(factory, 10, pbar=None)
    elif case == "contrastive":
        strategy = made(pbar=None)
    else:
        strategy = made()

    def run() -> int:
        return len(set(strategy.query(classifier, dataset, unknown, known, targets, n=PICKS).tolist()))

    return run


def _modal(case: str, pool: np.ndarray, labeled: np.ndarray, targets: np.ndarray) -> Callable[[], int]:
    from modAL import uncertainty
    from modAL.models import ActiveLearner

    learner = ActiveLearner(
        _regression(labeled, targets),
        getattr(uncertainty, MODAL[case]),
        X_training=labeled,
        y_training=targets,
    )
    return lambda: len(set(learner.query(pool, n_instances=PICKS)[0].tolist()))


def _baal(case: str, pool: np.ndarray, labeled: np.ndarray, targets: np.ndarray) -> Callable[[], int]:
    import logging

    import structlog
    import torch
    from baal.active import heuristics
    from baal.bayesian.dropout import patch_module
    from baal.modelwrapper import ModelWrapper, TrainingArgs
    from torch import nn
    from torch.utils.data import TensorDataset

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(DIMS, 64), nn.GELU(), nn.Dropout(0.3), nn.Linear(64, CLASSES))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(torch.from_numpy(labeled)), torch.from_numpy(targets)).backward()
        optimizer.step()
    wrapper = ModelWrapper(patch_module(network), TrainingArgs(batch_size=256, workers=0, use_cuda=False))
    dataset = TensorDataset(torch.from_numpy(pool), torch.zeros(len(pool), dtype=torch.long))

    def run() -> int:
        passes = wrapper.predict_on_dataset(dataset, iterations=BALD_PASSES, verbose=False)
        return len(set(heuristics.BALD()(passes)[:PICKS].tolist()))

    return run
