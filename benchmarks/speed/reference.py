"""rmunro/pytorch_active_learning, run from a checkout: its functions, on its row format."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.speed.data import PICKS, VOCABULARY, headlines

CASES = {
    "least_confidence": "least_confidence",
    "entropy": "entropy",
    "model_outliers": "model_outliers",
    "clusters": "clusters",
    "representative": "representative",
    "adaptive_representative": "adaptive_representative",
    "transfer_uncertainty": "transfer_uncertainty",
    "atlas": "atlas",
}
HIDDEN = 128


class Network(nn.Module):
    """Words to two classes through one hidden layer, returning its layers as the reference expects."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(VOCABULARY, HIDDEN), nn.Linear(HIDDEN, 2)

    def forward(self, x: torch.Tensor, return_all_layers: bool = False) -> Any:
        hidden = self.first(x).clamp(min=0)
        logits = self.second(hidden)
        probabilities = torch.log_softmax(logits, dim=1)
        return [hidden, logits, probabilities] if return_all_layers else probabilities


def features(text: str) -> torch.Tensor:
    vector = torch.zeros(VOCABULARY)
    for word in text.split():
        vector[int(word[1:])] += 1
    return vector.view(1, -1)


def make(case: str, pool_file: Path, n: int) -> Callable[[], int]:
    """Needs REFERENCE, the checkout's folder."""
    sys.path.insert(0, os.environ["REFERENCE"])
    sys.argv[0] = "benchmark"
    import pytorch_clusters
    from advanced_active_learning import AdvancedActiveLearning
    from diversity_sampling import DiversitySampling
    from uncertainty_sampling import UncertaintySampling

    torch.manual_seed(0)
    random.seed(0)
    training, validation = headlines(200, 1, True), headlines(200, 2, True)
    pool = headlines(n, 3, False)
    network = _trained(training)
    uncertainty, diversity, advanced = UncertaintySampling(), DiversitySampling(), AdvancedActiveLearning()

    def run() -> int:
        pytorch_clusters.Cluster.feature_idx.clear()
        rows = [list(row) for row in pool]
        labeled, held_out = [list(row) for row in training], [list(row) for row in validation]
        calls: dict[str, Callable[[], Any]] = {
            "least_confidence": lambda: uncertainty.get_samples(
                network, rows, uncertainty.least_confidence, features, number=PICKS, limit=n
            ),
            "entropy": lambda: uncertainty.get_samples(
                network, rows, uncertainty.entropy_based, features, number=PICKS, limit=n
            ),
            "model_outliers": lambda: diversity.get_model_outliers(
                network, rows, held_out, features, number=PICKS, limit=n
            ),
            "clusters": lambda: diversity.get_cluster_samples(rows, num_clusters=PICKS // 5, limit=-1),
            "representative": lambda: diversity.get_representative_samples(
                labeled, rows, number=PICKS, limit=-1
            ),
            "adaptive_representative": lambda: diversity.get_adaptive_representative_samples(
                labeled, rows, number=PICKS, limit=-1
            ),
            "transfer_uncertainty": lambda: advanced.get_deep_active_transfer_learning_uncertainty_samples(
                network, rows, held_out, features, number=PICKS, limit=-1
            ),
            "atlas": lambda: advanced.get_atlas_samples(
                network, rows, held_out, features, number=PICKS, limit=-1, number_per_iteration=10
            ),
        }
        return len(calls[case]())

    return run


def _trained(rows: list[list[Any]]) -> Network:
    network = Network()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    inputs = torch.cat([features(row[1]) for row in rows])
    targets = torch.tensor([int(row[2]) for row in rows])
    for _ in range(30):
        optimizer.zero_grad()
        nn.functional.nll_loss(network(inputs), targets).backward()
        optimizer.step()
    optimizer.zero_grad()
    return network
