"""Accuracy and F1 on the pool: right on average, with intervals that cover, wide while little is known."""

from __future__ import annotations

import numpy as np
import pytest

from backend.learning.estimates import Belief, Estimate, Ints, Judged, estimate

CLASSES, POOL = 3, 2000


def pool_of(chance: np.random.Generator, shift: float) -> tuple[Judged, Ints, Ints]:
    """What a head says that is off by `shift` log-odds, what the classifier says, and the truth."""
    odds = chance.normal(1.5, 1.2, POOL)
    said = chance.integers(0, CLASSES, POOL)
    right = chance.random(POOL) < 1 / (1 + np.exp(-(odds + shift)))
    truth = np.where(right, said, (said + chance.integers(1, CLASSES, POOL)) % CLASSES)
    probabilities = np.full((POOL, CLASSES), 0.2)
    probabilities[np.arange(POOL), said] = 0.6
    return Judged(1 / (1 + np.exp(-odds)), probabilities), said, truth


def estimated(seed: int, audits: int, shift: float = 0.4) -> tuple[Estimate, float, float]:
    """And the true accuracy and F1 of class 0."""
    chance = np.random.default_rng(seed)
    pool, said, truth = pool_of(chance, shift)
    drawn = chance.permutation(POOL)[:audits]
    known = Judged(pool.right[drawn], pool.probabilities[drawn])
    found = estimate(pool, known, truth[drawn], Belief(0.2, 0.5, 0.3), classes=np.arange(CLASSES))
    f1 = 2 * ((said == 0) & (truth == 0)).sum() / ((said == 0).sum() + (truth == 0).sum())
    return found, float((said == truth).mean()), float(f1)


@pytest.mark.parametrize("audits", [5, 40, 300])
def test_nine_of_ten_intervals_cover_the_truth(audits: int) -> None:
    covered = []
    for seed in range(60):
        found, accuracy, f1 = estimated(seed, audits)
        covered.append(found.accuracy.low <= accuracy <= found.accuracy.high)
        covered.append(found.per_class[0].low <= f1 <= found.per_class[0].high)
    assert 0.82 <= np.mean(covered) <= 1.0


def test_more_audits_narrow_the_interval_and_few_leave_it_wide() -> None:
    few, many = (estimated(1, n)[0].accuracy for n in (5, 300))
    assert few.high - few.low > 0.1
    assert many.high - many.low < 0.6 * (few.high - few.low)


def test_five_right_audits_do_not_make_a_perfect_classifier() -> None:
    sure = Judged(np.full(100, 0.5), np.full((100, 2), 0.5))
    known = Judged(np.full(5, 0.5), np.full((5, 2), 0.5))
    found = estimate(sure, known, np.zeros(5, np.int64), Belief(0.0, 2.0, 0.3), classes=np.arange(2))
    assert found.accuracy.low < 0.75
    assert found.accuracy.high < 1.0


def test_audits_outdo_what_was_believed() -> None:
    """Of a kind of set that no benchmark had."""
    found, accuracy, _ = estimated(2, 300, shift=-2.5)
    assert found.accuracy.value == pytest.approx(accuracy, abs=0.06)
    assert found.shift < -1.5


def test_without_an_audit_there_is_only_what_was_believed() -> None:
    found, _, _ = estimated(3, 0)
    assert found.shift == pytest.approx(0.2, abs=0.05)


def test_classes_that_the_classifier_never_says_have_no_f1() -> None:
    probabilities = np.tile([0.7, 0.2, 0.1], (50, 1))
    nothing = Judged(np.zeros(0), np.zeros((0, 3)))
    sure = Judged(np.full(50, 0.8), probabilities)
    found = estimate(sure, nothing, np.zeros(0, np.int64), Belief(0, 0.5, 0.3), classes=np.arange(3))
    assert found.per_class[2].value == 0
    assert found.per_class[0].value > 0.7
