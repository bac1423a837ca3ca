"""Many passes of one network, and the mean of many networks."""

import pytest
import torch
from torch import Tensor

from backend.sampling import make_scene, monte_carlo, rank_scene, select
from backend.sampling.ensemble import bald, entropy_of_mean, margin_of_mean
from backend.sampling.monte_carlo import over_passes
from backend.sampling.scene import Scene
from tests.unit.scenes import cluster, picks_of, random_scene


def between_two_classes() -> tuple[Scene, Tensor]:
    """Returns the scene and which pool items lie on the boundary."""
    labeled = torch.cat([cluster(30, 1.0, seed=1), cluster(30, -1.0, seed=2)])
    pool = torch.cat([cluster(50, 1.0, seed=3), cluster(50, -1.0, seed=4), cluster(20, 0.0, 1.0, seed=5)])
    return make_scene(pool, labeled, (torch.arange(60) < 30).long()), torch.arange(120) >= 100


@pytest.mark.parametrize("kind", ["ensemble", "dropout"])
@pytest.mark.parametrize("measure", ["margin", "entropy"])
def test_doubtful_on_average_comes_first(kind: str, measure: str) -> None:
    scene, doubtful = between_two_classes()
    assert doubtful[picks_of(f"{kind}_{measure}", scene, 15)].float().mean() > 0.9


def test_dropout_bald_puts_first_what_hangs_on_few_units() -> None:
    scene, doubtful = between_two_classes()
    worth = over_passes(scene, bald)
    assert worth[doubtful].mean() > 1.5 * worth[~doubtful].mean()


def test_mean_probabilities_are_what_is_measured() -> None:
    """Two members that contradict each other are certain each, and not on average."""
    sure = torch.tensor([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]])  # members, items, classes
    assert margin_of_mean(sure).tolist() == [1.0, 0.0]
    assert entropy_of_mean(sure).tolist() == [1.0, 0.0]


def test_without_dropping_all_passes_say_what_the_network_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monte_carlo, "RATE", 0.0)
    scene, _ = between_two_classes()
    assert torch.allclose(over_passes(scene, margin_of_mean), scene.margin, atol=1e-5)
    assert over_passes(scene, bald).max() < 1e-5


def test_passes_are_the_same_for_all_items_and_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, _ = between_two_classes()
    whole = over_passes(scene, bald)
    assert torch.equal(over_passes(scene, bald), whole)
    monkeypatch.setattr(monte_carlo, "BATCH", 7)
    assert torch.allclose(over_passes(scene, bald), whole, atol=1e-6)


def test_more_passes_come_nearer_to_their_mean() -> None:
    scene, _ = between_two_classes()
    seeds = [
        make_scene(scene.pool, scene.labeled, scene.targets, seed=i, trained=scene.trained) for i in range(5)
    ]
    few = torch.stack([over_passes(each, margin_of_mean, 10) for each in seeds]).std(0).mean()
    many = torch.stack([over_passes(each, margin_of_mean, 500) for each in seeds]).std(0).mean()
    assert many < few / 3


def test_passes_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="passes must be a whole number, at least 1 and at most 1000, not 0"):
        select("dropout_bald", *random_scene(), 5, passes=0)
    assert len(select("dropout_bald", *random_scene(), 5, passes=1)) == 5


def test_an_empty_pool_is_ranked() -> None:
    scene, _ = between_two_classes()
    empty = make_scene(scene.pool[:0], scene.labeled, scene.targets)
    assert len(over_passes(empty, bald)) == 0
    assert len(rank_scene("dropout_margin", empty, 5).order) == 0


def test_of_many_passes_and_classes_no_more_is_held_at_once_than_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, _ = between_two_classes()
    whole, held = over_passes(scene, bald, 50), []
    monkeypatch.setattr(monte_carlo, "NUMBERS", 1000)

    def measure(probabilities: Tensor) -> Tensor:
        held.append(probabilities.numel())
        return bald(probabilities)

    assert torch.allclose(over_passes(scene, measure, 50), whole, atol=1e-6)
    assert max(held) == 1000
