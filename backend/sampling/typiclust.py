"""TypiClust: the most typical item of each uncovered cluster (Hacohen, Dekel & Weinshall 2022)."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.sampling.clusters import nearest_of, places_within, spherical_kmeans
from backend.sampling.scene import Picks, Scene

MAX_CLUSTERS = 500
NEIGHBOURS = 20
"""Typicality is the inverse of the mean distance to this many neighbours of the same cluster."""
MAX_MEMBERS = 1_000
"""Items of a cluster that are compared with each other: those nearest its centre, where the typical lie."""


def typiclust(scene: Scene, n: int, *, clusters: int | None = None) -> Picks:
    """As many clusters as labels and picks; the largest without a label gives its most typical item.

    clusters: how many; the number of labelled items plus n by default, MAX_CLUSTERS at most.
    """
    k = clusters or min(len(scene.labeled) + n, MAX_CLUSTERS)
    cluster, similarity = spherical_kmeans(scene.unit_pool, k, scene.shuffled)
    k = int(cluster.max()) + 1
    sizes = torch.bincount(cluster, minlength=k)
    labeled = torch.zeros_like(sizes)
    if len(scene.labeled):
        centers = scene.unit_pool.new_zeros(k, scene.pool.shape[1]).index_add_(0, cluster, scene.unit_pool)
        nearest = nearest_of(scene.unit_labeled, torch.nn.functional.normalize(centers, dim=1))[1]
        labeled = torch.bincount(nearest, minlength=k)
    # Clusters in the order they are due: fewest labels first, then largest first; each gives one per turn.
    due = labeled.double() - sizes / (scene.size + 1)
    typical = _typicality(scene.unit_pool, cluster, similarity)
    place = places_within(cluster, scene.descending(typical))
    turn = place + due[cluster]
    return Picks(scene.top(-turn, n))


def _typicality(rows: Tensor, cluster: Tensor, similarity: Tensor) -> Tensor:
    """Minus the mean distance to the nearest members of the same cluster: float [N]. It sorts as the inverse.

    Members of a large cluster that are not compared come behind those that are, by cosine with the centre.
    """
    typical = similarity - 4  # distances of unit vectors are 2 at most
    by_cluster = cluster.argsort(stable=True)
    for members in by_cluster.split(torch.bincount(cluster).tolist()):
        if len(members) > MAX_MEMBERS:
            members = members[similarity[members].topk(MAX_MEMBERS).indices]
        if len(members) > 1:
            cosine = rows[members] @ rows[members].T
            cosine.fill_diagonal_(-2)
            nearest = cosine.topk(min(NEIGHBOURS, len(members) - 1), dim=1).values
            typical[members] = -(2 - 2 * nearest).clamp_(min=0).sqrt_().mean(1)
    return typical
