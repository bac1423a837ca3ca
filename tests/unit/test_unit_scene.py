"""Every strategy ranks items that have units: texts with tokens, images with cells or boxes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.learning.units import Pooling, UnitLayers, Units
from backend.sampling import UnitScene, make_scene, names, rank_scene, select
from backend.sampling.registry import find, score_units
from tests.unit.scenes import confident_errors
from tests.unit.unit_scenes import learned_by, ragged, trained_on, units_of, vectors_of

pytestmark = pytest.mark.usefixtures("trained_once")

COMPOSED = [
    "margin within 30% by representative",
    "70% auto and 30% random",
    "clusters within 50% by atlas",
    "margin within 50% by auto within 60% by entropy",
    "atlas layers=all",
    "transfer_uncertainty head=article layers=hidden",
    "transfer_representative head=article layers=last",
    "entropy temperature=2",
]
ALL = [*names(), *COMPOSED]
EMPTY = torch.tensor([3, 11, 12, 39])


def scene_of(
    pool: Units, pooling: Pooling = "mean", *, batch: int = 5, bare: bool = False, least: int = 1
) -> UnitScene:
    labeled, trained = trained_on(least=least)
    learned = learned_by(trained, pool, labeled, pooling, bare=bare)
    vectors = vectors_of(pool), vectors_of(labeled)
    scene = make_scene(*vectors, torch.zeros(labeled.items), trained=learned, batch=batch)
    assert isinstance(scene, UnitScene)
    return scene


def with_empty(items: int = 40) -> Units:
    """A pool in which EMPTY have no unit."""
    counts = torch.randint(1, 5, (items,), generator=torch.Generator().manual_seed(0))
    counts[EMPTY] = 0
    rows = torch.randn(int(counts.sum()), 6, generator=torch.Generator().manual_seed(1))
    return units_of(torch.nn.functional.normalize(rows, dim=1), counts)


@pytest.mark.parametrize("strategy", ALL)
@given(
    items=st.integers(1, 30),
    most=st.integers(1, 6),
    share=st.floats(0.05, 1),
    pooling=st.sampled_from(["mean", "top"]),
    bare=st.booleans(),
    seed=st.integers(0, 3),
)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_scene_of_units_is_ranked_whole(strategy, items, most, share, pooling, bare, seed) -> None:
    pool = ragged(items, most, least=0, seed=seed)
    head = max(1, round(share * items))
    scene = scene_of(pool, pooling, batch=head, bare=bare, least=0)
    ranking = rank_scene(strategy, scene, head)
    assert ranking.order.sort().values.tolist() == list(range(items))
    assert len(ranking.by) == len(ranking.rounds) == len(ranking.chance) == head
    if ranking.worth is not None:
        along = ranking.worth[ranking.order]
        assert torch.isfinite(along).all()
        assert (along[1:] <= along[:-1]).all()
    empty = {item for item in range(items) if item not in set(pool.item.tolist())}
    assert set(ranking.order[items - len(empty) :].tolist()) == empty


def test_what_all_items_have_in_common_is_of_no_account_to_auto() -> None:
    pool = ragged(30, 5)
    labeled, trained = trained_on()
    learned = learned_by(trained, pool, labeled)
    vectors = vectors_of(pool), vectors_of(labeled)
    nothing = torch.zeros(labeled.items, dtype=torch.int64)
    shifted = [each + 3 for each in vectors]
    first = select("auto", *vectors, nothing, 10, trained=learned)
    assert torch.equal(select("auto", *shifted, nothing, 10, trained=learned), first)


@pytest.mark.parametrize("strategy", ALL)
def test_any_prefix_of_a_head_of_units_is_a_batch(strategy: str) -> None:
    pool = with_empty()
    labeled, trained = trained_on()
    learned = learned_by(trained, pool, labeled)
    head = rank_scene(strategy, scene_of(pool, batch=5), 40).order
    parts = vectors_of(pool), vectors_of(labeled), torch.zeros(labeled.items)
    assert head[:5].tolist() == select(strategy, *parts, 5, trained=learned).tolist()
    for size in (10, 20):
        assert (
            rank_scene(strategy, scene_of(pool, batch=5), size).order[:size].tolist() == head[:size].tolist()
        )
    assert set(head[-4:].tolist()) == set(EMPTY.tolist())


@pytest.mark.parametrize("strategy", ALL)
def test_what_is_picked_of_items_with_units_is_not_picked_again(strategy: str) -> None:
    scene = scene_of(ragged(30), batch=4)
    before = torch.arange(7, 30, 3)
    picks = find(strategy, {}).pick(scene.after(before), scene.size - len(before)).indices
    assert torch.cat([before, picks]).sort().values.tolist() == list(range(30))


SAME = [
    *("least_confidence", "margin", "ratio", "entropy", "entropy temperature=2"),
    *("bald", "variation_ratios", "ensemble_margin", "ensemble_entropy"),
    *("dropout_bald", "dropout_margin", "dropout_entropy"),
    *("transfer_uncertainty", "transfer_uncertainty layers=all", "transfer_uncertainty head=article"),
    *("atlas", "atlas layers=all", "atlas round=3", "badge"),
    "random",
    "margin within 30% by representative",
    "atlas within 50% by entropy",
]
"""What is defined alike for an item with one unit and for a whole one."""


@pytest.mark.parametrize("pooling", ["mean", "top"])
@pytest.mark.parametrize("strategy", SAME)
def test_items_of_one_unit_are_ranked_as_whole_ones(strategy: str, pooling: Pooling) -> None:
    whole, _ = confident_errors()
    pool, labeled = (
        units_of(whole.pool, torch.ones(220).long()),
        units_of(whole.labeled, torch.ones(220).long()),
    )
    learned = learned_by(whole.trained, pool, labeled, pooling)
    units = make_scene(whole.pool, whole.labeled, whole.targets, trained=learned)
    one, other = rank_scene(strategy, units, 60), rank_scene(strategy, whole, 60)
    assert one.order[:60].tolist() == other.order[:60].tolist()
    assert one.rounds.tolist() == other.rounds.tolist()


def planted(seed: int) -> tuple[Units, torch.Tensor, torch.Tensor]:
    """Items of four units each; in every fourth item one unit lies where the classifier is sure and wrong, in
    the next one lies where it doubts and is right. Returns the units, which are wrong, which items hold one.
    """
    whole, _ = confident_errors()
    sure = torch.arange(120)  # of the rows; 120 to 180 are sure and wrong, the last 40 doubtful
    chance = torch.Generator().manual_seed(seed)
    items = 60
    which = sure[torch.randint(0, 120, (items * 4,), generator=chance)]
    holds = torch.arange(items) % 4 == 0
    which[::4][holds] = 120 + torch.arange(15)
    which[::4][torch.arange(items) % 4 == 1] = 180 + torch.arange(15)
    rows = (whole.pool if seed else whole.labeled)[which]
    return units_of(rows, torch.full((items,), 4)), (which >= 120) & (which < 180), holds


@pytest.mark.parametrize("pooling", ["mean", "top"])
@pytest.mark.parametrize("strategy", ["transfer_uncertainty", "atlas"])
def test_the_error_head_finds_the_items_that_hold_a_wrong_unit(strategy: str, pooling: Pooling) -> None:
    """Of units that the classifier is sure of; margin cannot."""
    whole, _ = confident_errors()
    (labeled, wrong, _), (pool, _, holds) = planted(0), planted(1)
    learned = learned_by(whole.trained, pool, labeled, pooling)
    held_out = UnitLayers(learned.labeled.layers, labeled.item, labeled.items)
    learned = replace(learned, held_out=held_out, correct=~wrong)
    vectors = torch.ones(pool.items, 2), torch.ones(labeled.items, 2)
    scene = make_scene(*vectors, torch.zeros(labeled.items), trained=learned)
    found = holds[rank_scene(strategy, scene, 15).order[:15]]
    assert int(found.sum()) >= 12
    assert int(holds[rank_scene("margin", scene, 15).order[:15]].sum()) < 10


def test_atlas_turns_all_units_of_a_pick_to_correct(monkeypatch: pytest.MonkeyPatch) -> None:
    taught = []

    def watched(layers, correct, **options):
        taught.append((len(layers.logits), len(correct), int(correct.sum())))
        return real(layers, correct, **options)

    from backend.sampling import transfer

    real = transfer.train_error_head
    monkeypatch.setattr(transfer, "train_error_head", watched)
    pool = ragged(20)
    scene = scene_of(pool)
    assert scene.error_head is not None
    picks = find("atlas round=1", {}).pick(scene, 3).indices
    counts = scene.units.counts
    verdicts, right = len(scene.verdicts.correct), int(scene.verdicts.correct.sum())
    expected = [int(counts[picks[:n]].sum()) for n in (1, 2)]
    assert taught == [(verdicts + n, verdicts + n, right + n) for n in expected]


@pytest.mark.parametrize("strategy", [name for name in ALL if find(name, {}).scorer is not None])
def test_late_items_are_worth_what_they_would_be_in_the_pool(strategy: str) -> None:
    """Of items that stand behind the picks, by which number the queue goes."""
    scene = scene_of(ragged(30), "top")
    ranking = rank_scene(strategy, scene, 5)
    worth = score_units(strategy, scene.units, scene.pool, ranking.scorer_head, "top")
    assert worth is not None
    assert ranking.worth is not None
    behind = ranking.order[5:]
    assert torch.allclose(worth[behind], ranking.worth[behind], atol=1e-6)


def test_a_strategy_without_a_number_of_its_own_says_nothing_of_late_items() -> None:
    scene = scene_of(ragged(5))
    assert score_units("random", scene.units, scene.pool, None, "mean") is None


@pytest.mark.parametrize("strategy", ["margin", "bald", "dropout_margin", "badge"])
def test_a_part_of_a_pool_is_measured_as_in_the_whole(strategy: str) -> None:
    scene = scene_of(ragged(30), "top")
    rows = torch.tensor([20, 3, 7, 8, 29, 0])
    part = scene.narrowed(rows)
    assert torch.allclose(part.margin, scene.margin[rows])
    assert torch.allclose(part.member_probabilities, scene.member_probabilities[:, rows])
    assert torch.equal(part.pool_layers.logits, scene.pool_layers.logits[rows])
    assert torch.equal(
        part.by_siblings(torch.tensor([1]), torch.tensor([0])).logits,
        scene.by_siblings(rows[1:2], torch.tensor([0])).logits,
    )
    assert part.error_head is scene.error_head
    assert rank_scene(strategy, part, 6).order.sort().values.tolist() == list(range(6))
