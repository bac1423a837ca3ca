"""Which items are alike, and what stands behind all others."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from backend.sampling import make_scene
from backend.sampling.alike import centers, clustered, joined, nearest
from backend.sampling.coldstart import NAME, cold_start
from tests.unit.scenes import four_clusters, random_scene


def same_groups(one: Tensor, other: Tensor) -> float:
    """Share of pairs that both put together, or both apart."""
    return float(((one[:, None] == one) == (other[:, None] == other)).double().mean())


def test_what_is_alike_is_in_one_cluster() -> None:
    pool, group = four_clusters()
    found = clustered(pool, 4, seed=0)
    assert same_groups(found, group) > 0.97
    assert torch.equal(found, clustered(pool, 4, seed=0))
    assert same_groups(clustered(pool * 7.5, 4, seed=0), found) == 1  # a direction has no length


def test_the_order_of_the_items_does_not_matter_where_clusters_are_clear() -> None:
    pool, group = four_clusters()
    order = torch.randperm(len(pool), generator=torch.Generator().manual_seed(3))
    assert same_groups(clustered(pool[order], 4, seed=1), group[order]) > 0.97


@pytest.mark.parametrize(("items", "k"), [(1, 5), (3, 3), (5, 2)])
def test_there_are_no_more_clusters_than_items(items: int, k: int) -> None:
    found = clustered(torch.randn(items, 4, generator=torch.Generator().manual_seed(0)), k, seed=0)
    assert set(found.tolist()) == set(range(min(items, k)))


def test_centres_are_directions_the_largest_clusters_first() -> None:
    pool, group = four_clusters()  # of 80, 60, 40 and 20 items
    found = centers(pool, 4, seed=0)
    assert torch.allclose(torch.linalg.vector_norm(found, dim=1), torch.ones(4), atol=1e-5)
    nearest_centre = nearest(pool, found)
    assert same_groups(nearest_centre, group) > 0.97
    sizes = torch.bincount(nearest_centre, minlength=4).tolist()
    assert sizes == sorted(sizes, reverse=True)
    assert centers(torch.zeros(0, 16), 4, seed=0).shape == (0, 16)


def test_an_item_joins_the_cluster_whose_known_items_are_nearest() -> None:
    pool, group = four_clusters()
    known = torch.full((len(pool),), -1)
    for number, name in enumerate((7, 3, 9, 5)):
        known[(group == number).nonzero()[:5, 0]] = name
    found = joined(pool, known)
    assert torch.equal(found, torch.tensor([7, 3, 9, 5])[group])
    one = torch.full((len(pool),), -1)
    one[0] = 4
    assert set(joined(pool, one).tolist()) == {4}


def test_before_any_label_each_group_is_represented_the_dense_ones_first() -> None:
    pool, group = four_clusters()
    scene = make_scene(pool, torch.zeros(0, 16), torch.zeros(0), n_classes=2)
    picks = cold_start(scene, 8)
    assert group[picks.indices[:4]].sort().values.tolist() == [0, 1, 2, 3]
    assert int(group[picks.indices[0]]) in (0, 1)
    assert picks.by == (NAME,) * 8
    assert picks.chance is not None
    assert picks.chance.tolist() == [1.0] * 8


def test_what_is_labelled_is_represented_already() -> None:
    pool, group = four_clusters()
    labeled = pool[(group == 0).nonzero()[:3, 0]]
    picks = cold_start(make_scene(pool, labeled, torch.zeros(3), n_classes=2), 3)
    assert 0 not in group[picks.indices].tolist()


@pytest.mark.parametrize("n", [0, 1, 80])
def test_as_many_as_asked_for_without_a_repeat(n: int) -> None:
    pool, labeled, targets = random_scene()
    picks = cold_start(make_scene(pool, labeled, targets), n)
    assert len(set(picks.indices.tolist())) == n
