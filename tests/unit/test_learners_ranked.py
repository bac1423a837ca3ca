"""What the learners of words, boxes, cells and of somebody else's model say is ranked by every strategy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch

from backend.learning.segmentation_units import units_learned
from backend.learning.tagging import train_tagger
from backend.learning.units import UnitsLearned
from backend.sampling import make_scene, names, rank_scene
from backend.sampling.registry import find, score_units
from tests.unit import test_detection as boxes
from tests.unit import test_segmentation as cells
from tests.unit import test_tagging as words
from tests.unit.wrapped_scenes import Weak

POOL = 14


@cache
def of_words() -> UnitsLearned:
    return train_tagger(*words.toy(30), words.TAGS).learned(words.toy(POOL, seed=1)[0])


@cache
def of_boxes() -> UnitsLearned:
    return boxes.trained().learned(boxes.planted(POOL, seed=1)[0], torch.arange(1, POOL))


@cache
def of_cells() -> UnitsLearned:
    return units_learned(cells.trained(), cells.toy(POOL, seed=1)[0], POOL, side=5)


@cache
def of_another() -> UnitsLearned:
    weak = Weak.drawn(0, items=2 * POOL, share=0.3)
    return weak.learned(torch.arange(POOL), torch.arange(POOL, 2 * POOL))


@pytest.mark.parametrize("learner", [of_words, of_boxes, of_cells, of_another])
@pytest.mark.parametrize(
    "strategy", [*names(), "atlas layers=all", "margin within 40% by transfer_uncertainty"]
)
def test_every_strategy_ranks_what_a_learner_says(strategy: str, learner: Callable[[], UnitsLearned]) -> None:
    learned = learner()
    chance = torch.Generator().manual_seed(0)
    pool, labeled = (torch.randn(n, 8, generator=chance) for n in (POOL, learned.held_out.items))
    scene = make_scene(pool, labeled, torch.zeros(len(labeled)), trained=learned, batch=3)
    ranking = rank_scene(strategy, scene, 7)
    assert ranking.order.sort().values.tolist() == list(range(POOL))
    empty = (learned.pool.counts == 0).nonzero()[:, 0].tolist()
    assert ranking.order[POOL - len(empty) :].tolist() == empty
    worth = score_units(strategy, learned.pool, pool, ranking.scorer_head, learned.pooling)
    if worth is not None and ranking.worth is not None:
        behind = ranking.order[7 : POOL - len(empty)]
        assert torch.allclose(worth[behind], ranking.worth[behind], atol=1e-5)
    assert (worth is None) == (find(strategy, {}).scorer is None)


@pytest.mark.parametrize("learner", [of_words, of_boxes, of_cells])
def test_a_learners_verdicts_teach_an_error_head(learner: Callable[[], UnitsLearned]) -> None:
    """What the head says of held-out units goes with whether they are wrong."""
    learned = learner()
    zeros = torch.zeros(POOL, 2), torch.zeros(learned.held_out.items, 2), torch.zeros(learned.held_out.items)
    scene = make_scene(*zeros, trained=learned)
    assert scene.error_head is not None
    said = scene.error_head(learned.held_out.layers)
    assert said[~learned.correct].mean() > said[learned.correct].mean()
    assert scene.estimated_accuracy is not None
    assert 0 < scene.estimated_accuracy < 1
