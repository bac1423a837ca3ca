"""`auto` of whole items: what is doubted is covered, as far as doubt means anything."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from backend.learning.trust import trust
from backend.sampling import covering, make_scene, select
from backend.sampling.scene import Scene


def scene(truth: Tensor, pool: Tensor, labels: int = 80) -> Scene:
    """With the first `labels` labelled."""
    return make_scene(pool[labels:], pool[:labels], truth[:labels])


def groups(items: int, apart: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Classes, int64 [items], and rows of two groups that lie so far apart."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randint(0, 2, (items,), generator=generator)
    rows = torch.randn(items, 12, generator=generator)
    rows[:, 0] += apart * (truth.float() - 0.5)
    return truth, rows


def test_verdicts_that_do_not_beat_chance_earn_no_trust() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(300, 3, generator=generator)
    told_nothing = torch.randint(0, 3, (300,), generator=generator)
    assert trust(logits, told_nothing) == 0
    assert trust(torch.nn.functional.one_hot(told_nothing, 3).float(), told_nothing) > 1


def test_trust_undoes_what_makes_a_classifier_too_sure() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3_000, 4, generator=generator) * 2
    truth = torch.distributions.Categorical(logits=logits).sample()
    assert trust(logits, truth) == pytest.approx(1, abs=0.12)
    assert trust(logits * 5, truth) == pytest.approx(0.2, abs=0.03)


def test_a_few_verdicts_earn_less_trust_than_many_of_the_same() -> None:
    logits = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    truth = torch.tensor([0, 1, 1])
    assert trust(logits, truth) < trust(logits.repeat(100, 1), truth.repeat(100))


@pytest.mark.parametrize("seed", range(3))
def test_where_labels_are_noise_all_items_count_nearly_the_same(seed: int) -> None:
    _, pool = groups(400, 0, seed)
    noise = torch.randint(0, 2, (400,), generator=torch.Generator().manual_seed(100 + seed))
    found = scene(noise, pool)
    followed = found.margin**4  # the classifier itself is sure of some and not of others
    assert followed.std() > 0.25 * followed.mean()
    assert found.doubt.std() < 0.05 * found.doubt.mean()


def test_where_labels_are_learned_the_doubtful_come_first() -> None:
    truth, pool = groups(600, 4)
    found = scene(truth, pool)
    assert found.trust > 0.3
    picks = covering.covering(found, 20)
    assert found.margin[picks].mean() > found.margin.mean() + 0.1


@pytest.mark.parametrize("most", [4_000, 120])
def test_the_first_of_many_are_the_same_as_of_few(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(covering, "MOST", most)
    truth, pool = groups(400, 2)
    found = scene(truth, pool)
    assert covering.covering(found, 40)[:5].tolist() == covering.covering(found, 5).tolist()


def test_of_a_larger_pool_a_sample_goes_by_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, pool = groups(2_000, 4)
    found = scene(truth, pool)
    monkeypatch.setattr(covering, "MOST", 200)
    chosen, weight = covering._drawn(found)
    assert len(chosen.unique()) == 200
    assert found.doubt[chosen].mean() > 2 * found.doubt.mean()
    # Each counts as one over its chance, so that together they count as the pool does.
    assert float(weight.sum()) == pytest.approx(float(found.doubt.sum()), rel=0.35)


def test_what_is_picked_is_neither_picked_again_nor_uncovered() -> None:
    truth, pool = groups(300, 2)
    found = scene(truth, pool)
    first = covering.covering(found, 10)
    then = covering.covering(found.after(first), 10)
    assert then.tolist() == covering.covering(found, 20)[10:].tolist()


def test_a_pool_that_is_certain_throughout_is_covered_all_the_same() -> None:
    truth, pool = groups(300, 2_000)
    picks = select("auto", pool[80:], pool[:80], truth[:80], 30)
    assert len(picks.unique()) == 30
