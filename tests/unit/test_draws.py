"""What a ranking tells of how its picks came about: by what, in which round, with what chance."""

from __future__ import annotations

import pytest
import torch

from backend.sampling import make_scene, names, rank_scene
from tests.unit.scenes import cluster, confident_errors, random_scene, trained_on_random_scene

FALLS_BACK = {"transfer_uncertainty", "atlas", "representative_transfer_uncertainty"}
"""Where there are too few verdicts for an error head, to margin."""


@pytest.mark.parametrize("strategy", names())
def test_every_pick_has_a_name_a_round_and_a_chance(strategy: str) -> None:
    scene = make_scene(*random_scene(), trained=trained_on_random_scene())
    ranking = rank_scene(strategy, scene, 20)
    assert set(ranking.by) <= {strategy} | ({"margin"} if strategy in FALLS_BACK else set())
    assert len(ranking.by) == len(ranking.rounds) == len(ranking.chance) == 20
    assert (ranking.rounds.diff() >= 0).all()
    assert ranking.rounds[0] == 1
    assert ((ranking.chance > 0) & (ranking.chance <= 1)).all()


def test_nothing_is_told_of_what_is_behind_the_picks() -> None:
    ranking = rank_scene("margin", make_scene(*random_scene()), 5)
    assert (len(ranking.by), len(ranking.order)) == (5, 80)


def test_a_random_draw_is_one_of_those_that_are_left() -> None:
    ranking = rank_scene("random", make_scene(*random_scene(n=80)), 3)
    assert ranking.chance.tolist() == pytest.approx([1 / 80, 1 / 79, 1 / 78])


def test_of_a_cluster_the_centre_and_the_outlier_are_no_draw_and_a_member_is_one_of_the_rest() -> None:
    pool, labeled, targets = random_scene(n=30)
    ranking = rank_scene("clusters", make_scene(pool, labeled, targets), 4, clusters=1)
    assert ranking.chance.tolist() == pytest.approx([1, 1, 1 / 28, 1 / 27])


def test_badge_draws_by_its_weights() -> None:
    ranking = rank_scene("badge", make_scene(*random_scene(n=30)), 10)
    assert ranking.chance[0] == 1  # the longest gradient
    assert (ranking.chance[1:] < 1).all()


def test_the_rounds_of_atlas_are_counted() -> None:
    scene, _ = confident_errors()
    assert rank_scene("atlas", scene.in_batches_of(6), 6, round=2).rounds.tolist() == [1, 1, 2, 2, 3, 3]
    assert rank_scene("atlas", scene, 12).rounds.tolist() == [*range(1, 12), 11]
    assert rank_scene("transfer_uncertainty", scene, 6).rounds.tolist() == [1] * 6


def test_a_fallback_is_named_for_what_it_is() -> None:
    pool = cluster(20, 1.0)
    cold = rank_scene("atlas", make_scene(pool, pool[:0], torch.zeros(0)), 3)
    assert cold.by == ("cold_start",) * 3
    sure = make_scene(torch.cat([cluster(9, 1.0), cluster(9, -1.0)]), pool, torch.arange(20) % 2)
    sure.trained.out_of_fold.correct[:] = True  # no wrong verdict to learn from
    assert rank_scene("atlas", sure, 3).by == ("margin",) * 3


def test_of_a_composition_each_pick_names_its_part_and_has_that_ones_chance() -> None:
    ranking = rank_scene("75% margin and 25% random", make_scene(*random_scene(n=80)), 16)
    assert abs(ranking.by.count("random") - 4) <= 1
    assert set(ranking.by) == {"margin", "random"}
    for name, chance in zip(ranking.by, ranking.chance.tolist(), strict=True):
        assert (chance == 1) == (name == "margin")
        assert chance == 1 or 1 / 80 <= chance <= 1 / 60
    alone = rank_scene("margin", make_scene(*random_scene(n=80)), 16).order.tolist()
    mine = [i for i, name in zip(ranking.order[:16].tolist(), ranking.by, strict=True) if name == "margin"]
    assert mine == [i for i in alone if i in mine]


def test_without_a_classifier_parts_that_need_none_are_named_and_within_is_named_whole() -> None:
    pool = cluster(40, 1.0)
    cold = rank_scene("50% random and 50% clusters", make_scene(pool, pool[:0], torch.zeros(0)), 6)
    assert set(cold.by) == {"random", "clusters"}
    text = "margin within 50% by representative"
    assert set(rank_scene(text, make_scene(*random_scene(n=80)), 6).by) == {text}
