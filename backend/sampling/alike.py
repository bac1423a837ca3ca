"""Which items are alike, for whoever serves them in turn."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.sampling.clusters import nearest_of, spherical_kmeans

SAMPLE = 2_000
"""Items that centres are fitted on."""


def clustered(features: Tensor, k: int, seed: int) -> Tensor:
    """The cluster of each item by spherical k-means, int64 [N] in [0, k). features: float [N, D]."""
    shuffled = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    return spherical_kmeans(_unit(features), k, shuffled.to(features.device))[0]


def centers(features: Tensor, k: int, seed: int) -> Tensor:
    """Centres of k clusters at most of the items, of the largest first: float32 [k, D], of unit length.

    Of more than SAMPLE items a random sample is looked at.
    """
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(len(features), generator=generator)[:SAMPLE]
    rows = _unit(features[shuffled])
    if not len(rows):
        return rows
    cluster = spherical_kmeans(rows, k, torch.arange(len(rows)))[0]
    sizes = torch.bincount(cluster)
    sums = torch.zeros(len(sizes), rows.shape[1]).index_add_(0, cluster, rows)
    return _unit(sums)[sizes.argsort(descending=True, stable=True)]


def nearest(features: Tensor, centers: Tensor) -> Tensor:
    """Which centre each item is nearest to, int64 [N]. features: float [N, D]; centers: float [k, D]."""
    return nearest_of(_unit(features), centers)[1]


def joined(features: Tensor, known: Tensor) -> Tensor:
    """For each item the cluster whose known items have the centre nearest to it, int64 [N].

    features: float [N, D]; known: int64 [N], each item's cluster, -1 for none; some must have one.
    """
    rows = _unit(features)
    names, index = known[known >= 0].unique(return_inverse=True)
    sums = rows.new_zeros(len(names), rows.shape[1]).index_add_(0, index, rows[known >= 0])
    return names[nearest_of(rows, _unit(sums))[1]]


def _unit(rows: Tensor) -> Tensor:
    return torch.nn.functional.normalize(rows.float(), dim=1)
