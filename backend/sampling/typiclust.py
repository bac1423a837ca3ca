"""TypiClust: the most typical item of each uncovered cluster (Hacohen, Dekel & Weinshall 2022)."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.sampling.batches import in_batches
from backend.sampling.clusters import clustering, turns
from backend.sampling.scene import Picks, Scene

MAX_CLUSTERS = 500
NEIGHBOURS = 20
"""Typicality is the inverse of the mean distance to this many neighbours of the same cluster."""
MAX_MEMBERS = 1_000
"""Items of a cluster that are compared with each other: those nearest its centre, where the typical lie."""


@in_batches
def typiclust(scene: Scene, n: int, *, clusters: int | None = None) -> Picks:
    """As many clusters as labels and picks; the largest without a label gives its most typical item.

    clusters: how many; by default as many as labels and picks or up to twice that, so that one clustering
    serves several batches, MAX_CLUSTERS at most.
    """
    k = clusters or min(_doubled(len(scene.labeled) + len(scene.picked) + n), MAX_CLUSTERS)
    found = clustering(scene, k)
    # Clusters without labels are due first, the largest before the others; each gives one per turn.
    typical = scene.once(
        f"typicality in {k} clusters", lambda: _typicality(scene.unit_pool, found.of, found.similarity)
    )
    return Picks(scene.top(-turns(scene, found, scene.descending(typical)), n))


def _doubled(least: int) -> int:
    """The first power of two that is not smaller."""
    return 1 << (least - 1).bit_length()


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
