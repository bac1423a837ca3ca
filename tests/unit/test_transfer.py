"""The heads find what they are named for, in scenes where a plausible wrong one does not."""

import pytest
import torch
from torch import Tensor

from backend.learning.domain_head import train_domain_head
from backend.learning.network import Layers
from backend.sampling import make_scene, rank_scene, transfer
from tests.unit.scenes import cluster, confident_errors, new_domain, picks_of, with_verdicts


def test_the_error_head_finds_confident_errors_and_entropy_does_not() -> None:
    scene, region = confident_errors()
    assert region[picks_of("transfer_uncertainty", scene, 30)].float().mean() > 0.75
    assert region[picks_of("entropy", scene, 30)].float().mean() < 0.2


def test_atlas_takes_from_both_error_regions_where_the_plain_head_takes_from_one() -> None:
    source = torch.cat([cluster(40, 1.0, seed=1), cluster(40, -1.0, seed=2)])
    targets = (torch.arange(80) < 40).long()
    parts = [(1.0,), (-1.0,), (1.0, 1.0), (1.0, 0.0, 1.0)]
    held_out = torch.cat([cluster(150, *axes, seed=10 + i) for i, axes in enumerate(parts)])
    pool = torch.cat([cluster(100, *axes, seed=20 + i) for i, axes in enumerate(parts)])
    generator = torch.Generator().manual_seed(0)
    share_wrong = torch.tensor([0.02, 0.02, 0.97, 0.7]).repeat_interleave(150)  # the worst, and a bad one
    scene = with_verdicts(source, targets, held_out, torch.rand(600, generator=generator) < share_wrong, pool)
    region = torch.arange(400) // 100

    plain = torch.bincount(region[picks_of("transfer_uncertainty", scene, 60)], minlength=4)
    adaptive = torch.bincount(region[picks_of("atlas", scene, 60)], minlength=4)

    assert plain[3] <= 8  # it is all but done with the worst region before it turns to the other
    assert adaptive[3] >= 10
    assert adaptive[2] >= 30
    assert adaptive[:2].sum() == 0


@pytest.mark.parametrize("sample", [1000, 5])
def test_what_was_picked_turns_to_the_training_side_of_the_domain_head(sample: int, monkeypatch) -> None:
    sides = []

    def watched(layers: Layers, application: Tensor, **kwargs):
        sides.append((layers, application.clone()))
        return train_domain_head(layers, application, **kwargs)

    monkeypatch.setattr(transfer, "train_domain_head", watched)
    monkeypatch.setattr(transfer, "DOMAIN_SAMPLE", sample)
    scene, _ = new_domain()
    picks = picks_of("transfer_adaptive_representative", scene.in_batches_of(100), 100, round=25)
    assert picks.unique().numel() == 100
    for done, (layers, application) in enumerate(sides):
        assert int(application.sum()) == min(sample, 200 - 25 * done)
        assert int((~application).sum()) == 60 + 25 * done
        rows = {tuple(row) for row in layers.last_hidden.tolist()}
        assert len(rows) == len(application)  # nobody is there twice


def test_the_domain_head_cannot_tell_networks_apart_where_there_is_one_domain() -> None:
    pool = torch.cat([cluster(200, 1.0, seed=3), cluster(200, -1.0, seed=4)])
    labeled = torch.cat([cluster(40, 1.0, seed=1), cluster(40, -1.0, seed=2)])
    scene = make_scene(pool, labeled, (torch.arange(80) < 40).long())
    ranking = rank_scene("transfer_representative", scene, 10)
    assert ranking.scorer_head is not None
    assert 0.3 < float(ranking.scorer_head(scene.pool_layers).mean()) < 0.8


def test_too_few_errors_are_said_and_answered_by_margin() -> None:
    labeled = torch.cat([cluster(10, 1.0, spread=0.01), cluster(10, -1.0, spread=0.01)])
    pool = cluster(30, 0.0, 1.0, spread=0.5)
    scene = make_scene(pool, labeled, (torch.arange(20) < 10).long())
    for strategy in ("transfer_uncertainty", "atlas"):
        ranking = rank_scene(strategy, scene, 10)
        assert ranking.scorer_head is None
        assert "margin" in ranking.notes[0]
        assert torch.equal(ranking.order, rank_scene("margin", scene, 10).order)


def test_the_accuracy_on_the_pool_is_estimated_where_the_labelled_items_mislead() -> None:
    """Labels came from the hard region, the pool is mostly easy: cross-validation is far too low."""
    generator = torch.Generator().manual_seed(0)
    easy = torch.cat([cluster(400, 1.0, seed=3), cluster(400, -1.0, seed=4)])
    hard = cluster(400, 0.0, 1.0, spread=0.2, seed=5)
    features = torch.cat([easy, hard])
    truth = torch.cat([torch.ones(400), torch.zeros(400), torch.rand(400, generator=generator) < 0.5]).long()
    labeled = torch.cat([torch.arange(0, 800, 20), torch.arange(800, 1200, 4)])
    waiting = torch.ones(1200, dtype=torch.bool)
    waiting[labeled] = False
    scene = make_scene(features[waiting], features[labeled], truth[labeled])

    accuracy = (scene.pool_layers.logits.argmax(1) == truth[waiting]).float().mean()

    assert scene.estimated_accuracy == pytest.approx(float(accuracy), abs=0.06)
    assert scene.trained.out_of_fold.correct.float().mean() < accuracy - 0.1
