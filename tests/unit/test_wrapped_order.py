"""The order of a pool that somebody else's model answers."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.learning.heads import MIN_VERDICTS
from backend.learning.units import UnitLayers
from backend.learning.wrapped import (
    HALF_LIFE,
    Answers,
    Judged,
    WrappedModel,
    learned_of,
    weights_by_age,
)
from backend.sampling import Ranking, Scene, make_scene, rank_scene
from backend.sampling.registry import score_units
from backend.sampling.transfer import NO_ERROR_HEAD
from backend.sampling.wrapped_scene import NO_SIBLINGS
from tests.unit.wrapped_scenes import Weak

BATCH = 5


def scene_of(weak: Weak, pool: Tensor, labelled: Tensor, seed: int = 0) -> Scene:
    learned = weak.learned(pool, labelled) if len(labelled) else None
    rows, nothing = weak.features, torch.zeros(len(labelled))
    return make_scene(rows[pool], rows[labelled], nothing, batch=BATCH, seed=seed, trained=learned)


def errors_among_the_first(labels: int, strategy: str, seed: int) -> int:
    """Of a model that fails on one kind, when the head is labelled and ranked anew in turn."""
    weak = Weak.drawn(seed)
    waits, labelled = torch.ones(len(weak.kind), dtype=torch.bool), torch.zeros(0, dtype=torch.int64)
    while len(labelled) < labels:
        pool = waits.nonzero().squeeze(1)
        picked = pool[rank_scene(strategy, scene_of(weak, pool, labelled, seed), BATCH).order[:BATCH]]
        labelled, waits[picked] = torch.cat([labelled, picked]), False
    return int(weak.kind[labelled].sum())


def half(weak: Weak) -> tuple[Tensor, Tensor]:
    rows = torch.arange(len(weak.kind))
    return rows[rows % 2 == 0], rows[rows % 2 == 1]


def ranked(strategy: str) -> tuple[Weak, Tensor, Scene, Ranking]:
    weak = Weak.drawn(0)
    pool, labelled = half(weak)
    scene = scene_of(weak, pool, labelled)
    return weak, pool, scene, rank_scene(strategy, scene, 20)


def test_of_a_planted_weakness_twice_as_many_errors_come_first_as_by_chance() -> None:
    seeds = range(5)
    ours, chance = (sum(errors_among_the_first(100, each, s) for s in seeds) for each in ("auto", "random"))
    assert ours >= 2 * chance
    assert chance > 0


def test_what_it_fails_on_stands_first() -> None:
    for strategy in ("auto", "atlas", "transfer_uncertainty"):
        weak, pool, _, ranking = ranked(strategy)
        assert float(weak.kind[pool[ranking.order[:8]]].float().mean()) > 0.7, strategy


def test_without_verdicts_its_own_scores_order() -> None:
    weak = Weak.drawn(0)
    pool = torch.arange(len(weak.kind))
    learned = weak.learned(pool, pool[:0])
    scene = make_scene(weak.features, weak.features[:0], torch.zeros(0), trained=learned)
    for strategy in ("margin", "least_confidence", "entropy", "ratio", "atlas"):
        order = rank_scene(strategy, scene, 20).order
        sure = weak.answers.sure[order[:20]]
        assert bool((sure.diff() >= 0).all()), strategy
    assert NO_ERROR_HEAD in scene.notes


def test_a_strategy_of_siblings_says_that_there_are_none() -> None:
    scene = ranked("bald")[2]
    assert NO_SIBLINGS in scene.notes


def test_a_task_that_comes_later_finds_its_place_by_what_it_is_like() -> None:
    weak, _, _, ranking = ranked("auto")
    model = WrappedModel.of(weak.answers)
    unknown = Answers(weak.features, *(torch.full_like(each, torch.nan) for each in weak.answers[1:]))
    units = UnitLayers(model.layers(unknown), torch.arange(len(weak.kind)), len(weak.kind))
    worth = score_units("auto", units, weak.features, ranking.scorer_head, "mean")
    assert worth is not None
    assert float(worth[weak.kind].mean()) > 3 * float(worth[~weak.kind].mean())


def test_once_it_has_learned_the_order_follows() -> None:
    """Verdicts on a newer version that is right where the older failed take the place of those."""
    weak = Weak.drawn(0)
    pool, labelled = half(weak)
    failed, others = labelled[weak.kind[labelled]], labelled[~weak.kind[labelled]]
    model = WrappedModel.of(weak.answers)

    def likely_wrong(known: Tensor, right: Tensor, versions: Tensor) -> float:
        judged = Judged(torch.arange(len(known)), weak.of(known), right, weights_by_age(versions))
        learned = learned_of(model, weak.of(pool), judged, len(known))
        scene = make_scene(
            weak.features[pool], weak.features[known], torch.zeros(len(known)), trained=learned
        )
        head = scene.error_head
        assert head is not None
        return float(scene.wrong(head)[weak.kind[pool]].mean())

    old = torch.cat([failed, others[:40]])
    right = torch.cat([torch.zeros(len(failed)), torch.ones(40)])
    before = likely_wrong(old, right, torch.zeros(len(old)).long())
    new = torch.cat([failed, others[40:52]])
    ages = torch.cat([torch.zeros(len(old)), torch.ones(len(new))]).long()
    after = likely_wrong(torch.cat([old, new]), torch.cat([right, torch.ones(len(new))]), ages)
    same = likely_wrong(
        torch.cat([old, new]), torch.cat([right, torch.ones(len(new))]), torch.zeros_like(ages)
    )
    assert before > 0.5
    assert after < same < before


def test_older_verdicts_count_less_and_none_is_dropped() -> None:
    versions = torch.tensor([0] * 3 + [1] * HALF_LIFE)
    weights = weights_by_age(versions)
    assert weights.tolist() == [0.5] * 3 + [1.0] * HALF_LIFE


def test_a_verdict_that_is_half_right_counts_for_both_sides() -> None:
    weak = Weak.drawn(0)
    rows = torch.arange(8)
    agreement = torch.tensor([0.25, 1.0, 0.0, 0.5, 1.0, 1.0, 1.0, 1.0])
    judged = Judged(torch.arange(0, 16, 2), weak.of(rows), agreement, torch.ones(8))
    learned = learned_of(WrappedModel.of(weak.answers), weak.answers, judged, 16)
    assert learned.held_out.item.tolist() == [0, 0, 2, 4, 6, 6, 8, 10, 12, 14]
    assert learned.weights is not None
    assert float(learned.weights[~learned.correct].sum()) == 0.75 + 1 + 0.5 < MIN_VERDICTS
    assert float(learned.weights.sum()) == 8


def test_a_model_that_never_says_how_sure_it_is_is_ordered_all_the_same() -> None:
    weak = Weak.drawn(0)
    said = torch.zeros_like(weak.answers.said)
    silent = Weak(
        weak.features, weak.kind, Answers(weak.features, said, torch.full_like(said[:, 0], torch.nan))
    )
    pool, labelled = half(silent)
    ranking = rank_scene("auto", scene_of(silent, pool, labelled), 10)
    assert float(weak.kind[pool[ranking.order[:8]]].float().mean()) > 0.7
