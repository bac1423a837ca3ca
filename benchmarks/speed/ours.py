"""This project's strategies, given a trained classifier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from backend.learning.training import train
from backend.sampling import names, select
from benchmarks.speed.data import CLASSES, PICKS, read_pool

LINEAR = " (linear)"
"""Uncertainty with a classifier without hidden layers, which is what other libraries are given."""
CASES = [
    *names(),
    *(name + LINEAR for name in ("least_confidence", "margin", "entropy")),
    "discriminative (1 round)",
]


def make(case: str, pool_file: Path, n: int) -> Callable[[], int]:
    pool, labeled, targets = (torch.from_numpy(part) for part in read_pool(pool_file))
    hidden = {"hidden": ()} if case.endswith(LINEAR) else {}
    trained = train(labeled, targets, CLASSES, **hidden)
    options = {"round": PICKS} if case.endswith("(1 round)") else {}
    strategy = case.split(" (")[0]

    def run() -> int:
        return select(strategy, pool, labeled, targets, PICKS, trained=trained, **options).unique().numel()

    return run
