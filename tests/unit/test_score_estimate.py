"""The mean agreement on what waits: right on average, covered by its interval, helped by what models know."""

from __future__ import annotations

import numpy as np
import pytest

from backend.learning.estimates import Floats, Interval
from backend.learning.score_estimate import Verdicts, score_estimate

POOL = 2000


def drawn(seed: int, audits: int, knows: float = 0.4, coins: float = 0.5) -> tuple[Interval, float, float]:
    """The estimate, the truth, and the plain mean of the audits. Half of the scores are 0 or 1, as F1s of
    spans are, unless told; beside audits there are labels of the items that the model is least sure of."""
    chance = np.random.default_rng(seed)
    sure = chance.uniform(0.3, 1, POOL)
    score = (0.35 + knows * sure + chance.normal(0, 0.2, POOL)).clip(0, 1)
    score = np.where(chance.random(POOL) < coins, chance.random(POOL) < score, score).astype(float)
    own = chance.permutation(POOL)[:audits]
    hard = np.setdiff1d(np.argsort(sure)[:300], own)[:150]
    labelled = np.concatenate([own, hard])
    rest = np.setdiff1d(np.arange(POOL), labelled)
    is_audit = np.arange(len(labelled)) < audits
    verdicts = Verdicts(score[labelled], sure[labelled], is_audit, np.ones(len(labelled)))
    return estimated(verdicts, sure[rest]), float(score[rest].mean()), float(score[own].mean())


@pytest.mark.parametrize("audits", [3, 10, 60])
def test_nine_of_ten_intervals_cover_the_truth(audits: int) -> None:
    found = [drawn(seed, audits) for seed in range(200)]
    covered = np.mean([each.low <= truth <= each.high for each, truth, _ in found])
    assert 0.85 <= covered <= 0.99
    off = abs(np.mean([each.value - truth for each, truth, _ in found]))
    assert off < {3: 0.08, 10: 0.05, 60: 0.03}[audits]  # of three little is known beside a coin's toss


def test_how_sure_the_model_is_takes_chance_out_of_the_audits() -> None:
    found = [drawn(seed, 20, knows=0.65, coins=0) for seed in range(200)]
    helped = np.mean([abs(each.value - truth) for each, truth, _ in found])
    alone = np.mean([abs(mean - truth) for _, truth, mean in found])
    assert helped < 0.95 * alone


def test_labels_that_were_not_drawn_move_no_estimate_but_by_the_slope() -> None:
    sure, score = np.full(60, 0.7), np.r_[np.ones(10), np.zeros(50)]
    is_audit = np.arange(60) < 10
    found = estimated(Verdicts(score, sure, is_audit, np.ones(60)), np.full(500, 0.7))
    assert found.value > 0.9


def test_verdicts_on_an_older_model_weigh_less() -> None:
    score, sure, every = np.r_[np.zeros(10), np.ones(10)], np.full(20, 0.5), np.ones(20, np.bool_)
    old = estimated(Verdicts(score, sure, every, np.r_[np.full(10, 0.1), np.ones(10)]), sure)
    same = estimated(Verdicts(score, sure, every, np.ones(20)), sure)
    assert old.value > 0.8
    assert same.value == pytest.approx(0.5)
    assert old.high - old.low > 0.1


def test_all_right_is_not_certain() -> None:
    found = estimated(Verdicts(np.ones(5), np.full(5, 0.9), np.ones(5, np.bool_), np.ones(5)), np.ones(9))
    assert found.low < 0.85
    assert found.high <= 1


def test_without_an_audit_nothing_is_estimated() -> None:
    nothing = Verdicts(np.ones(5), np.ones(5), np.zeros(5, np.bool_), np.ones(5))
    assert score_estimate(nothing, np.ones(9)) is None


@pytest.mark.parametrize("weight", [0.0, 9e-16, 0.08])
def test_audits_of_models_long_gone_tell_nothing_of_the_one_that_there_is(weight: float) -> None:
    """Twelve that all count next to nothing, as weights of old verdicts come to, or to 0 altogether."""
    verdicts = Verdicts(np.ones(40), np.full(40, 0.9), np.arange(40) < 12, np.ones(40))
    old = verdicts._replace(weights=np.where(verdicts.is_audit, weight, 1.0))
    assert score_estimate(old, np.ones(9)) is None
    few = verdicts._replace(weights=np.where(verdicts.is_audit, 0.25, 1.0))
    assert width(few) > 1.5 * width(verdicts)


def width(verdicts: Verdicts) -> float:
    found = estimated(verdicts, np.ones(9))
    return found.high - found.low


@pytest.mark.parametrize("audits", [3, 10, 20])
@pytest.mark.parametrize("mean", [0.9, 0.95, 0.97, 0.99])
@pytest.mark.parametrize("kind", ["coins", "in part", "often whole"])
def test_intervals_cover_a_truth_near_one(kind: str, mean: float, audits: int) -> None:
    chance = np.random.default_rng([audits, round(100 * mean)])
    size = 1_000, audits
    drawn_scores = {
        "coins": lambda: (chance.random(size) < mean).astype(float),
        "in part": lambda: chance.beta(2 * mean, 2 * (1 - mean), size),
        "often whole": lambda: np.where(chance.random(size) < 2 * (1 - mean), chance.random(size), 1.0),
    }
    every, sure = np.ones(audits, np.bool_), np.full(audits, 0.9)
    found = [
        estimated(Verdicts(row, sure, every, np.ones(audits)), np.full(9, 0.9))
        for row in drawn_scores[kind]()
    ]
    assert np.mean([each.low <= mean <= each.high for each in found]) >= 0.85


def estimated(verdicts: Verdicts, pool_sure: Floats | None) -> Interval:
    found = score_estimate(verdicts, pool_sure)
    assert found is not None
    return found
