"""k-means, and the strategies that sample by cluster."""

import pytest
import torch

from backend.sampling import make_scene, select
from backend.sampling.clusters import _fill_empty, spherical_kmeans
from backend.sampling.typiclust import _typicality
from tests.unit.scenes import boundary_scene, cluster, four_clusters, picks_of


def test_each_cluster_gives_its_centroid_its_outlier_and_three_random_members() -> None:
    pool, cluster_of = four_clusters()
    scene = make_scene(pool, pool[:0], torch.zeros(0), batch=20)
    picks = picks_of("clusters", scene, 20, clusters=4)

    assert torch.bincount(cluster_of[picks]).tolist() == [5, 5, 5, 5]
    extremes = []
    for i in range(4):
        members = (cluster_of == i).nonzero().squeeze(1)
        to_center = pool[members] @ torch.nn.functional.normalize(pool[members].sum(0), dim=0)
        extremes.append([int(members[to_center.argmax()]), int(members[to_center.argmin()])])
        assert set(extremes[-1]) <= set(picks.tolist())
    for turn in range(5):  # in turn, and mixed: of a turn's clusters one gives its centroid, if any does
        of_turn = picks[4 * turn : 4 * turn + 4].tolist()
        assert sorted(cluster_of[of_turn].tolist()) == [0, 1, 2, 3]
        for kind in (0, 1):
            assert sum(extreme[kind] in of_turn for extreme in extremes) <= 1


def test_another_number_of_random_members_makes_the_circle_as_long() -> None:
    pool, cluster_of = four_clusters()
    scene = make_scene(pool, pool[:0], torch.zeros(0), batch=12)
    picks = picks_of("clusters", scene, 12, clusters=4, random=1)
    for i in range(4):
        members = (cluster_of == i).nonzero().squeeze(1)
        to_center = pool[members] @ torch.nn.functional.normalize(pool[members].sum(0), dim=0)
        assert {int(members[to_center.argmax()]), int(members[to_center.argmin()])} <= set(picks.tolist())


def test_clusters_with_fewest_labels_come_first() -> None:
    pool, cluster_of = four_clusters()
    labeled = torch.cat([cluster(3, 1.0, seed=8), cluster(1, 0.0, 1.0, seed=9)])
    scene = make_scene(pool, labeled, torch.zeros(4))
    assert cluster_of[picks_of("clusters", scene, 4, clusters=4)].tolist() == [2, 3, 1, 2]


@pytest.mark.parametrize("strategy", ["clusters", "typiclust", "clustered_uncertainty"])
def test_more_clusters_than_distinct_items_repeat_nothing(strategy: str) -> None:
    pool = cluster(3, 1.0).repeat(10, 1)
    labeled, targets = cluster(10, 1.0, spread=1.0), torch.arange(10) % 2
    assert select(strategy, pool, labeled, targets, 25).unique().numel() == 25


@pytest.mark.parametrize("k", [1, 4, 29, 30])
def test_no_cluster_is_empty(k: int) -> None:
    for seed, rows in enumerate(
        (cluster(3, 1.0).repeat(10, 1), cluster(30, 1.0, spread=1.0), torch.ones(30, 1))
    ):
        shuffled = torch.randperm(30, generator=torch.Generator().manual_seed(seed))
        found, similarity, _ = spherical_kmeans(rows, k, shuffled)
        assert torch.bincount(found, minlength=k).min() >= 1
        assert similarity.abs().max() <= 1 + 1e-5


def test_an_empty_cluster_takes_nobodys_only_member() -> None:
    found = torch.tensor([0, 1, 1, 1, 3, 3])
    similarity = torch.tensor([0.1, 0.9, 0.5, 0.8, 0.3, 0.2])  # the first fits worst, but is alone
    _fill_empty(found, similarity, torch.arange(6), 5)
    assert torch.bincount(found).tolist() == [1, 2, 1, 1, 1]
    assert found[[0, 1, 3, 4]].tolist() == [0, 1, 1, 3]


def test_typicality_is_the_inverse_of_the_mean_distance_to_the_nearest() -> None:
    rows, alone = cluster(40, 1.0, spread=0.5), cluster(1, -1.0)
    cluster_of = torch.arange(41) // 40
    typical = _typicality(torch.cat([rows, alone]), cluster_of, torch.ones(41))
    distances = torch.cdist(rows, rows).sort(dim=1).values[:, 1:21].mean(1)
    assert typical[:40].argsort(descending=True).tolist() == (1 / distances).argsort(descending=True).tolist()


def test_typiclust_takes_the_dense_middle_of_the_largest_cluster_without_a_label() -> None:
    pool, cluster_of = four_clusters()
    labeled = cluster(1, 1.0, seed=9)  # in the largest
    scene = make_scene(pool, labeled, torch.zeros(1))
    picks = picks_of("typiclust", scene, 3, clusters=4)
    assert cluster_of[picks].tolist() == [1, 2, 3]
    members = (cluster_of == 1).nonzero().squeeze(1)
    closeness = (pool[members] @ pool[members].T).mean(1)
    assert closeness[members == picks[0]] > closeness.median()


def test_the_most_uncertain_cluster_comes_before_lone_uncertain_items_elsewhere() -> None:
    scene, group_of = boundary_scene()
    picks = picks_of("most_uncertain_cluster", scene, 20, clusters=5)
    assert group_of[picks].unique().numel() == 1
    margins = scene.margin[picks]
    assert (margins[1:] <= margins[:-1] + 1e-6).all()
    rest = picks_of("most_uncertain_cluster", scene, 80, clusters=5)
    assert group_of[rest].unique().numel() > 1  # a cluster that is used up makes room for the next


def test_representative_clusters_go_where_labels_are_few() -> None:
    pool, cluster_of = four_clusters()
    labeled = torch.cat([cluster(40, 1.0, seed=8), cluster(2, 0.0, 1.0, seed=9)])
    scene = make_scene(pool, labeled, torch.zeros(42))
    counts = torch.bincount(
        cluster_of[picks_of("representative_clusters", scene, 12, clusters=4)], minlength=4
    )
    assert counts[0] == 0  # 80 items, but 40 labels
    assert counts[2] > counts[3] > 0  # no labels; twice the items come twice as often
    assert counts.sum() == 12
