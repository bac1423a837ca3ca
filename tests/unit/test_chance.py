"""What is left to chance goes by content and seed, and fairly."""

import math

import pytest
import torch
from torch import Tensor

from backend.learning.training import OutOfFold, Trained, outputs
from backend.sampling import make_scene, select


def test_random_is_a_fair_lottery_for_empty_texts_too() -> None:
    """Over 400 seeds each item is among the first quarter as often as a fair coin of 1/4 would have it."""
    seeds = 400
    pool = torch.randn(200, 9, generator=torch.Generator().manual_seed(0)).sign()  # binary, odd in width
    pool = torch.cat([pool.unique(dim=0), torch.zeros(1, 9)])
    quarter = len(pool) // 4
    first = [select("random", pool, pool[:0], torch.zeros(0), quarter, seed=seed) for seed in range(seeds)]
    counts = torch.bincount(torch.cat(first), minlength=len(pool)).double()

    expected = seeds * quarter / len(pool)
    deviation = math.sqrt(expected * (1 - quarter / len(pool)))
    assert (counts - expected).abs().max() < 4.5 * deviation
    assert float(counts.std()) == pytest.approx(deviation, rel=0.25)


SIGNS = torch.cartesian_prod(*[torch.tensor([-0.5, 0.5])] * 4)
"""16 unit vectors on which sums are exact, so that what is equally good is exactly equal."""


def undecided(labeled: Tensor, targets: Tensor) -> Trained:
    """A classifier to which all items are the same, and so are they to its siblings."""
    trained = make_scene(SIGNS, labeled, targets).trained
    for network in (trained.network, trained.siblings):
        for parameter in network.parameters():
            parameter.data.zero_()
    out_of_fold = OutOfFold(outputs(trained.network, labeled), torch.arange(len(labeled)) % 2 == 0)
    return Trained(trained.network, trained.siblings, out_of_fold)


TIED = [
    *("least_confidence", "margin", "ratio", "entropy", "bald", "variation_ratios", "contrastive"),
    *("model_outliers", "transfer_uncertainty", "atlas", "most_uncertain_cluster", "badge"),
    *("coreset", "adaptive_representative", "representative", "representative_clusters", "clusters"),
]


@pytest.mark.parametrize("strategy", TIED)
def test_ties_go_by_content_and_seed_and_not_by_place(strategy: str) -> None:
    labeled = SIGNS.roll(1, dims=0)[:10]
    targets = torch.arange(10) % 2
    trained = undecided(labeled, targets)

    def first(places: Tensor, seed: int) -> list[list[float]]:
        pool = SIGNS[places]
        options = {"clusters": 1} if "cluster" in strategy else {}
        picks = select(strategy, pool, labeled, targets, 3, seed=seed, trained=trained, **options)
        return pool[picks].tolist()

    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        answers = [first(torch.randperm(16, generator=generator), seed) for _ in range(4)]
        assert answers[0] == answers[1] == answers[2] == answers[3]
    assert len({str(first(torch.arange(16), seed)) for seed in range(6)}) > 1
