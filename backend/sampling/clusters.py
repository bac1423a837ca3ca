"""Spherical k-means, and the strategies that sample by cluster (Munro, ch. 4.3 and 5.1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.sampling import chance
from backend.sampling.batches import in_batches
from backend.sampling.scene import Picks, Scene

RANDOM = 3
"""Random members of a cluster, beside its centroid and its outlier."""
PER_CLUSTER = 5
"""A cluster for every so many picks."""
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
) -> tuple[Tensor, Tensor, Tensor]:
    """Cluster unit vectors by cosine (Dhillon & Modha 2001).

    rows: float [N, D], of unit length; shuffled: int64 [N], indices in random order, of which the first
    become the sample and the first centres; weight: float [N], how much each item pulls its centre.
    Returns each item's cluster, int64 [N], its cosine with that cluster's centre, float [N], and the centres,
    float [k, D].
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
    return cluster, similarity, centers


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


@dataclass(frozen=True)
class Clustering:
    """of: each item's cluster, int64 [N]; similarity: with its centre, float [N]; sizes: int64 [k]; inwards:
    all items, the nearest to their centres first, int64 [N]; labeled: labels in each cluster, int64 [k]."""

    of: Tensor
    similarity: Tensor
    sizes: Tensor
    inwards: Tensor
    labeled: Tensor

    def known(self, scene: Scene) -> Tensor:
        """How many labelled and picked items each cluster has: int64 [k]."""
        return self.labeled + self.picked(scene)

    def picked(self, scene: Scene) -> Tensor:
        """int64 [k]."""
        return torch.bincount(self.of[scene.picked], minlength=len(self.sizes))

    def places(self, scene: Scene, order: Tensor) -> Tensor:
        """Each item's place within its cluster when taken in `order`, those picked behind: int64 [N]."""
        picked = scene.is_picked[order]
        return places_within(self.of, torch.cat([order[~picked], order[picked]]))


def clustering(scene: Scene, k: int, *, weight: Tensor | None = None) -> Clustering:
    """Of the whole pool, what is picked included: once for all batches of so many clusters.

    weight: as for `spherical_kmeans`, always the same one for a scene.
    """

    def cluster() -> Clustering:
        rows = scene.unit_pool
        of, similarity, centers = spherical_kmeans(rows, k, scene.shuffled, weight=weight)
        nearest = nearest_of(scene.unit_labeled, centers)[1] if len(scene.labeled) else of[:0]
        labeled = torch.bincount(nearest, minlength=len(centers))
        sizes = torch.bincount(of, minlength=len(centers))
        return Clustering(of, similarity, sizes, scene.descending(similarity), labeled)

    return scene.once(f"{k} clusters" if weight is None else f"{k} weighted clusters", cluster)


@in_batches
def clusters(scene: Scene, n: int, *, clusters: int | None = None, random: int = RANDOM) -> Picks:
    """Cluster-based sampling: of each cluster the centroid, the outlier, and random members.

    Clusters give an item in turn, those with the fewest labels first, then the largest. Of those that follow
    each other one gives its centroid, the next its outlier, the next a random member, and so on round the
    circle, so that every stretch is mixed and each cluster has given all of them after as many turns.
    clusters: how many; by default one for every 2 + random picks, MIN_CLUSTERS at least; random: members.
    """
    circle = 2 + random
    k = clusters or max(-(-(len(scene.picked) + n) // circle), MIN_CLUSTERS)
    found = clustering(scene, k)
    known = found.known(scene)
    rank = found.sizes.argsort(descending=True, stable=True).argsort()  # 0 for the largest
    step = ((rank + known) % circle)[found.of]  # where in the circle each item's cluster is
    until_centroid, until_outlier = -step % circle, (1 - step) % circle  # turns
    central = found.places(scene, found.inwards) == 0
    outlying = (found.places(scene, found.inwards.flip(0)) == 0) & ~central
    special = central | outlying
    behind = special[scene.shuffled]
    turn = found.places(scene, torch.cat([scene.shuffled[~behind], scene.shuffled[behind]]))
    random_ones = torch.bincount(found.of[~special & ~scene.is_picked], minlength=len(found.sizes))
    drawn_from = random_ones[found.of] - turn  # members that a draw for its turn is out of
    turn += turn >= torch.minimum(until_centroid, until_outlier)  # these are not for random members
    turn += turn >= torch.maximum(until_centroid, until_outlier)
    turn[central], turn[outlying] = until_centroid[central], until_outlier[outlying]
    picks = scene.top(-turns(scene, found, turn.argsort(stable=True)), n)
    return Picks(picks, chance=torch.where(special[picks], 1.0, 1 / drawn_from[picks].double()))


def turns(scene: Scene, clustering: Clustering, order: Tensor) -> Tensor:
    """When each item's turn is, if each cluster gives one at a time: float64 [N], lowest first.

    Clusters with the fewest labels and picks come first, then the largest; each gives its items in `order`.
    """
    due = clustering.known(scene) - clustering.sizes / (scene.size + 1)
    return clustering.places(scene, order) + due.double()[clustering.of]


@in_batches
def most_uncertain_cluster(
    scene: Scene, n: int, *, clusters: int | None = None, measure: str = "margin", members: str = "uncertain"
) -> Picks:
    """The cluster with the highest mean uncertainty, its most uncertain items first; then the next one.

    clusters: how many; by default as many as make an average cluster hold 2 n items, 20 at most; measure: of
    uncertainty; members: `random` for those of a cluster in random order.
    """
    uncertain = scene.uncertain(measure)
    asked = len(scene.picked) + n
    k = clusters or int(min(max(scene.size / max(2 * asked, 1), 2), 20))
    found = clustering(scene, k)
    left = (~scene.is_picked).float()
    mean = scene.margin.new_zeros(len(found.sizes)).index_add_(0, found.of, uncertain * left)
    mean /= (found.sizes - found.picked(scene)).clamp(min=1)
    within = uncertain if members == "uncertain" else scene.lots.float()
    worth = mean.argsort().argsort()[found.of] + within.clamp(0, 0.999)
    picks = scene.top(worth, n)
    if members == "uncertain":
        return Picks(picks, worth)
    return Picks(picks, worth, chance=torch.full((n,), torch.nan, dtype=torch.float64))


@in_batches
def centers_of_uncertainty(scene: Scene, n: int, *, measure: str = "margin") -> Picks:
    """As many clusters as picks, whose items pull the centres by their uncertainty: of each that has no pick
    yet the item at its centre, the most uncertain clusters first. measure: of uncertainty."""
    uncertain = scene.uncertain(measure)
    found = clustering(scene, len(scene.picked) + n, weight=uncertain)
    place = found.places(scene, found.inwards) + found.picked(scene)[found.of]
    pull = uncertain.new_zeros(len(found.sizes)).index_add_(0, found.of, uncertain)
    order = in_turn(found.of, place, -pull)
    return Picks(order[~scene.is_picked[order]][:n])


@in_batches
def representative_clusters(scene: Scene, n: int, *, clusters: int | None = None) -> Picks:
    """Representative sampling by cluster: where the target domain is thick and the training data thin.

    Pool and labelled items are clustered together. Clusters give their items in turn, those with the
    most unlabelled items per labelled one first, and of each the item most typical of it first.
    clusters: how many; n / 5 by default, MIN_CLUSTERS at least.
    """
    found = clustering(scene, clusters or max((len(scene.picked) + n) // PER_CLUSTER, MIN_CLUSTERS))
    unlabeled = (found.sizes - found.picked(scene)).float()[found.of]
    # A cluster's n-th turn comes as late as if its earlier picks were labelled already.
    known = found.known(scene)[found.of] + found.places(scene, found.inwards)
    return Picks(scene.top(unlabeled / (known + 1), n))
