"""Items as adapted networks see them: no verdict knows its item's label, and every strategy ranks by them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from backend.learning.training import outputs
from backend.learning.views import Views, train_on_views
from backend.sampling.ranking import rank_scene
from backend.sampling.registry import STRATEGIES
from backend.sampling.views_scene import ViewsScene
from tests.unit.scenes import cluster

LABELED, POOL, FOLDS = 24, 30, 3
FOLD_OF = torch.arange(LABELED) % FOLDS


def views(n: int, seed: int) -> tuple[Views, Tensor]:
    """Of two classes in turn, each fold's with noise of its own."""
    targets = torch.arange(n) % 2
    ways = torch.where(targets[:, None] == 1, cluster(n, 1.0, seed=seed), cluster(n, -1.0, seed=seed))
    noise = torch.randn(FOLDS, *ways.shape, generator=torch.Generator().manual_seed(seed)) * 0.05
    return Views(ways, ways + noise), targets


def scene() -> ViewsScene:
    known, targets = views(LABELED, 0)
    pool, _ = views(POOL, 1)
    trained = train_on_views(known, targets, 2, FOLD_OF)
    return ViewsScene(pool.of_all, known.of_all, targets, given=trained, by_fold=pool.of_folds)


def test_a_verdict_on_an_item_does_not_know_its_label() -> None:
    known, targets = views(LABELED, 0)
    before = train_on_views(known, targets, 2, FOLD_OF).out_of_fold
    other = targets.clone()
    other[7] = 1 - other[7]
    after = train_on_views(known, other, 2, FOLD_OF).out_of_fold
    assert torch.equal(before.layers.logits[7], after.layers.logits[7])
    assert bool(before.correct[7]) != bool(after.correct[7])
    assert not torch.equal(before.layers.logits[8], after.layers.logits[8])


def test_a_verdict_is_of_what_the_network_saw_that_was_adapted_without_the_item() -> None:
    known, targets = views(LABELED, 0)
    before = train_on_views(known, targets, 2, FOLD_OF).out_of_fold.layers
    assert before.features is not None
    own, others = int(FOLD_OF[7]), int(FOLD_OF[8])
    for fold, is_own in ((own, True), (others, False)):
        changed = known.of_folds.clone()
        changed[fold, 7] = -changed[fold, 7]
        after = train_on_views(Views(known.of_all, changed), targets, 2, FOLD_OF).out_of_fold.layers
        assert torch.equal(before.logits[7], after.logits[7]) != is_own
    assert torch.equal(before.features[7], known.of_folds[own, 7])


def test_each_sibling_is_asked_about_what_its_own_network_saw() -> None:
    found = scene()
    for fold in range(FOLDS):
        alone = found.trained.siblings.members(slice(fold, fold + 1))
        expected = outputs(alone, found.by_fold[fold])
        assert torch.allclose(found.member_probabilities[fold], expected.probabilities, atol=1e-6)
        some = torch.tensor([3, 0])
        layers = found.by_siblings(some, torch.full((2,), fold + FOLDS))
        assert torch.allclose(layers.logits, expected.logits[some], atol=1e-5)
    rows = torch.tensor([5, 2, 9])
    part = found.narrowed(rows)
    assert torch.allclose(part.member_probabilities, found.member_probabilities[:, rows], atol=1e-6)


@pytest.mark.usefixtures("trained_once")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_ranks_it_whole(strategy: str) -> None:
    ranking = rank_scene(strategy, scene(), 8)
    assert sorted(ranking.order.tolist()) == list(range(POOL))
    assert len(ranking.by) == 8


def test_labels_of_one_class_beside_a_fold_are_refused() -> None:
    known, _ = views(LABELED, 0)
    with pytest.raises(ValueError, match="at least two classes"):
        train_on_views(known, (FOLD_OF == 0).long(), 2, FOLD_OF)
