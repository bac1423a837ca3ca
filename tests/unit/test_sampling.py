import pytest
import torch

from backend.sampling import names, places, rank, select
from backend.sampling import uncertainty as u
from backend.sampling.coldstart import facility_location

PROBABILITIES = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.4, 0.3, 0.3], [1 / 3, 1 / 3, 1 / 3]])


def scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    features = torch.nn.functional.normalize(torch.randn(120, 6, generator=generator), dim=1)
    return features[40:], features[:40], (features[:40, 0] > 0).long()


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (u.least_confidence, [0, 0.75, 0.9, 1]),
        (u.margin, [0, 1, 0.9, 1]),
        (u.ratio, [0, 1, 0.75, 1]),
        (u.entropy, [0, 0.6309, 0.9912, 1]),
    ],
)
def test_uncertainty_by_the_books_formulas(measure, expected) -> None:
    assert measure(PROBABILITIES).tolist() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("strategy", names())
def test_every_strategy_returns_distinct_indices_and_the_same_for_the_same_seed(strategy: str) -> None:
    pool, labeled, targets = scene()
    picks = select(strategy, pool, labeled, targets, 20, seed=3)
    assert picks.unique().numel() == 20
    assert torch.equal(picks, select(strategy, pool, labeled, targets, 20, seed=3))


@pytest.mark.parametrize("strategy", names())
@pytest.mark.parametrize("targets", [torch.zeros(5), torch.tensor([0, 1, 1, 1, 1])])
def test_hard_scenes_are_ranked_whole_and_finite(strategy: str, targets: torch.Tensor) -> None:
    constant = torch.ones(30, 4) / 2
    ranking = rank(strategy, constant, constant[:5], targets)
    assert ranking.order.sort().values.tolist() == list(range(30))
    assert ranking.scores[ranking.order].tolist() == places(30).tolist()
    assert ranking.worth is None or torch.isfinite(ranking.worth).all()


def test_margin_ranks_the_boundary_first() -> None:
    pool, labeled, targets = scene()
    order = rank("margin", pool, labeled, targets).order
    assert pool[order[:10], 0].abs().mean() < pool[order[-10:], 0].abs().mean() / 2


def test_transfer_uncertainty_says_when_it_falls_back() -> None:
    pool = torch.nn.functional.normalize(torch.randn(30, 4), dim=1)
    labeled = torch.tensor([[1.0, 0, 0, 0]] * 10 + [[-1.0, 0, 0, 0]] * 10)
    ranking = rank("transfer_uncertainty", pool, labeled, torch.tensor([0] * 10 + [1] * 10))
    assert ranking.head is None
    assert "margin" in ranking.notes[0]


def test_bad_input_is_named() -> None:
    pool, labeled, targets = scene()
    with pytest.raises(ValueError, match="least_confidence"):
        select("no_such", pool, labeled, targets, 1)
    with pytest.raises(ValueError, match="81 items of a pool of 80"):
        select("margin", pool, labeled, targets, 81)
    with pytest.raises(ValueError, match="finite"):
        select("margin", pool * float("nan"), labeled, targets, 1)


def test_cold_start_takes_each_cluster_before_any_twice_and_the_largest_first() -> None:
    centers = torch.eye(3, 16)
    sizes = [30, 20, 10]
    noise = torch.randn(60, 16, generator=torch.Generator().manual_seed(0)) * 0.05
    pool = torch.nn.functional.normalize(centers.repeat_interleave(torch.tensor(sizes), 0) + noise, dim=1)
    cluster = torch.repeat_interleave(torch.arange(3), torch.tensor(sizes))

    assert cluster[facility_location(pool, 3)].tolist() == [0, 1, 2]
    # What is labelled already represents its cluster.
    assert cluster[facility_location(pool, 1, labeled=centers[:1])].tolist() == [1]
