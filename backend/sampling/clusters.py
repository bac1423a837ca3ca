"""Spherical k-means, and the strategies that sample by cluster (Munro, ch. 4.3 and 5.1)."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.sampling import chance
from backend.sampling.scene import Picks, Scene

PER_CLUSTER = 5
"""A cluster for every so many picks: its centroid, its outlier and random members, as in the book."""
MIN_CLUSTERS = 10
"""Fewer would not tell regions with labels from regions without."""
ITERATIONS = 12
"""Rounds of k-means; the order of a queue does not need the last decimals of a centre."""
FIT_ON = 64
"""Items per cluster that the centres are fitted on: a random sample of larger pools."""
TRIALS = 3
SEED_FROM = 8
"""Items per cluster that the first centres are chosen from."""


def spherical_kmeans(
    rows: Tensor, k: int, shuffled: Tensor, *, weight: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Cluster unit vectors by cosine (Dhillon & Modha 2001).

    rows: float [N, D], of unit length; shuffled: int64 [N], indices in random order, of which the first
    become the sample and the first centres; weight: float [N], how much each item pulls its centre.
    Returns each item's cluster, int64 [N], and its cosine with that cluster's centre, float [N].
    An empty cluster takes the item that fits its own centre least, so that none is empty.
    """
    k = min(k, len(rows))
    sample = shuffled[: max(k * FIT_ON, 4096)]
    fitted = rows[sample]
    pull = fitted.new_ones(len(sample)) if weight is None else weight[sample].float()
    centers = _seeds(fitted[: max(k * SEED_FROM, 1024)], k)
    before = None
    for _ in range(ITERATIONS):
        similarity, nearest = (fitted @ centers.T).max(dim=1)  # [S]
        _fill_empty(nearest, similarity, torch.arange(len(sample), device=rows.device), k)
        if before is not None and torch.equal(nearest, before):
            break
        before = nearest
        sums = torch.zeros_like(centers).index_add_(0, nearest, fitted * pull[:, None])
        centers = torch.nn.functional.normalize(sums, dim=1)
    similarity, cluster = nearest_of(rows, centers)
    _fill_empty(cluster, similarity, shuffled, k)
    return cluster, similarity


def _seeds(sample: Tensor, k: int) -> Tensor:
    """First centres, far apart: greedy k-means++ (Arthur & Vassilvitskii 2007). float [k, D]

    sample: float [S, D], unit vectors in random order, so an item's place is its lot. Of TRIALS drawn
    items each step keeps the one that leaves the rest nearest to a centre.
    """
    lot = (torch.arange(len(sample), dtype=torch.float64, device=sample.device) + 0.5) / len(sample)
    chosen = torch.zeros(k, dtype=torch.int64, device=sample.device)  # the first one is random already
    distance = (1 - sample @ sample[0]).clamp_(min=0)
    for i in range(1, k):
        if not distance.max() > 1e-6:  # fewer distinct items than centres: any will do
            chosen[i:] = torch.arange(i, k, device=sample.device)
            break
        drawn = torch.tensor([chance.race(distance, lot, i * TRIALS + trial) for trial in range(TRIALS)])
        nearer = torch.minimum(distance[:, None], (1 - sample @ sample[drawn].T).clamp_(min=0))
        best = int(nearer.sum(0).argmin())
        chosen[i] = drawn[best]
        distance = nearer[:, best].contiguous()
    return sample[chosen]


def nearest_of(rows: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine with the nearest centre and its index: float [N], int64 [N]. In batches."""
    parts = [(batch @ centers.T).max(dim=1) for batch in rows.split(8192)]
    return torch.cat([part.values for part in parts]), torch.cat([part.indices for part in parts])


def _fill_empty(cluster: Tensor, similarity: Tensor, shuffled: Tensor, k: int) -> None:
    """Give each empty cluster an item, in place: of those that are not the best of theirs the worst fitting.

    cluster: int64 [N], N >= k; similarity: float [N], with the cluster's centre; shuffled: int64 [N].
    """
    empty = (torch.bincount(cluster, minlength=k) == 0).nonzero().squeeze(1)
    if len(empty):
        order = shuffled[similarity[shuffled].argsort(descending=True, stable=True)]
        spare = order[places_within(cluster, order)[order] > 0]
        moved = spare[-len(empty) :]
        cluster[moved] = empty
        similarity[moved] = 1.0  # it is its own centre now


def in_turn(group: Tensor, place: Tensor, turn_of: Tensor) -> Tensor:
    """Indices that take the groups in turn: the first of each, then the second of each, ...

    group: int64 [N]; place: int64 [N], each item's place within its group from 0; turn_of: float [G],
    groups by rising value within a turn.
    """
    by_group = turn_of[group].argsort(stable=True)
    return by_group[place[by_group].argsort(stable=True)]


def places_within(group: Tensor, order: Tensor) -> Tensor:
    """Each item's place within its group when all are taken in `order`: int64 [N].

    group: int64 [N]; order: int64 [N], a permutation.
    """
    sorted_by_group = order[group[order].argsort(stable=True)]
    sizes = torch.bincount(group)
    starts = sizes.cumsum(0) - sizes
    place = torch.empty_like(order)
    place[sorted_by_group] = torch.arange(len(order), device=order.device) - starts[group[sorted_by_group]]
    return place


def clusters(scene: Scene, n: int, *, clusters: int | None = None) -> Picks:
    """Cluster-based sampling: of each cluster the centroid, the outlier, and random members, in turn.

    clusters: how many; n / 5 by default. Larger clusters come first within a turn.
    """
    k = clusters or -(-n // PER_CLUSTER)
    cluster, similarity = spherical_kmeans(scene.unit_pool, k, scene.shuffled)
    order = scene.shuffled.clone()
    # To the front of its cluster: first the outlier, then, before it, the centroid.
    for extreme in (-similarity, similarity):
        place = places_within(cluster, scene.descending(extreme))
        front = place[order] == 0
        order = torch.cat([order[front], order[~front]])
    place, sizes = places_within(cluster, order), torch.bincount(cluster)
    picks = in_turn(cluster, place, -sizes.float())[:n]
    left = (sizes[cluster[picks]] - place[picks]).double()  # of its cluster, this one among them
    return Picks(picks, chance=torch.where(place[picks] < 2, 1.0, 1 / left))


def most_uncertain_cluster(scene: Scene, n: int, *, clusters: int | None = None) -> Picks:
    """The cluster with the highest mean uncertainty, its most uncertain items first; then the next one.

    clusters: how many; by default as many as make an average cluster hold 2 n items, 20 at most.
    """
    k = clusters or int(min(max(scene.size / max(2 * n, 1), 2), 20))
    cluster, _ = spherical_kmeans(scene.unit_pool, k, scene.shuffled)
    sizes = torch.bincount(cluster).clamp(min=1)
    mean = scene.margin.new_zeros(len(sizes)).index_add_(0, cluster, scene.margin) / sizes
    worth = mean.argsort().argsort()[cluster] + scene.margin.clamp(max=0.999)
    return Picks(scene.top(worth, n), worth)


def centers_of_uncertainty(scene: Scene, n: int) -> Picks:
    """n clusters whose items pull the centres by their uncertainty, and of each the item at its centre."""
    cluster, similarity = spherical_kmeans(scene.unit_pool, n, scene.shuffled, weight=scene.margin)
    place = places_within(cluster, scene.descending(similarity))
    pull = scene.margin.new_zeros(n).index_add_(0, cluster, scene.margin)
    return Picks(in_turn(cluster, place, -pull)[:n])


def representative_clusters(scene: Scene, n: int, *, clusters: int | None = None) -> Picks:
    """Representative sampling by cluster: where the target domain is thick and the training data thin.

    Pool and labelled items are clustered together. Clusters give their items in turn, those with the
    most unlabelled items per labelled one first, and of each the item most typical of it first.
    clusters: how many; n / 5 by default, MIN_CLUSTERS at least.
    """
    k = min(clusters or max(n // PER_CLUSTER, MIN_CLUSTERS), scene.size)
    cluster, similarity = spherical_kmeans(scene.unit_pool, k, scene.shuffled)
    centers = torch.nn.functional.normalize(
        scene.unit_pool.new_zeros(k, scene.pool.shape[1]).index_add_(0, cluster, scene.unit_pool), dim=1
    )
    unlabeled = torch.bincount(cluster, minlength=k).float()
    labeled = torch.zeros_like(unlabeled)
    if len(scene.labeled):
        labeled = torch.bincount(nearest_of(scene.unit_labeled, centers)[1], minlength=k).float()
    place = places_within(cluster, scene.descending(similarity))
    # A cluster's n-th turn comes as late as if its earlier picks were labelled already.
    due = unlabeled[cluster] / (labeled[cluster] + 1 + place)
    return Picks(scene.top(due, n))
