"""What picks: this project's strategies by name, other libraries' by what `peers.PEERS` puts before it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from backend.learning.training import train
from backend.sampling import make_scene, rank_scene
from backend.sampling.registry import find
from benchmarks.order.peers import PEERS

Pick = Callable[[Tensor, Tensor, Tensor, int, int, int], Tensor]
"""(pool [N, D], labelled rows [M], their targets [M], classes, n, seed) -> n other rows of the pool."""


def contender(name: str) -> Pick:
    return partial(PEERS.get(name.partition(": ")[0], ours), name)


def ours(name: str, pool: Tensor, known: Tensor, targets: Tensor, classes: int, n: int, seed: int) -> Tensor:
    waiting = others(known, len(pool))
    trained = None
    if find(name, {}).needs_classifier and len(targets.unique()) > 1:
        trained = train(pool[known], targets, classes, seed=seed)
    parts = pool[waiting], pool[known], targets
    scene = make_scene(*parts, n_classes=classes, seed=seed, batch=n, trained=trained)
    return waiting[rank_scene(name, scene, n).order[:n]]


def others(rows: Tensor, n: int) -> Tensor:
    waiting = torch.ones(n, dtype=torch.bool)
    waiting[rows] = False
    return waiting.nonzero().squeeze(1)
