"""The clusters that Label Studio is told of."""

import torch

from backend.jobs.clustering import assigned


def two_kinds(n: int) -> torch.Tensor:
    """Rows 0, 2, ... point one way, rows 1, 3, ... another."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(n, 8, generator=generator) * 0.1
    rows[torch.arange(n), torch.arange(n) % 2] += 1
    return rows


def test_what_is_alike_comes_together() -> None:
    clusters = assigned(two_kinds(20), torch.full((20,), -1), 2, seed=0)
    assert clusters[0] != clusters[1]
    assert torch.equal(clusters, clusters[:2].repeat(10))


def test_more_items_join_the_clusters_there_are() -> None:
    known = torch.full((20,), -1)
    known[:4] = torch.tensor([7, 3, 7, 3])
    assert torch.equal(assigned(two_kinds(20), known, 5, seed=0), torch.tensor([7, 3] * 10))
