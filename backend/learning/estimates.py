"""How right the classifier is on the pool: accuracy, macro-F1 and each class's F1, with intervals.

A model-assisted estimate from a random sample (Särndal, Swensson & Wretman 1992, ch. 6; active testing,
Kossen et al. 2021, uses a surrogate likewise). A head that never saw the audits says of each item how likely
the classifier is right. It learned from labels that a strategy chose, so that its log-odds may be off by a
shift, and by another one for each class that the classifier says. The audits, a random sample of the pool,
are what is known of the shifts; what is believed of them beforehand is a Student's t of benchmark sets, wide
enough for an interval to be honest while there are few audits. The posterior is reckoned on a grid, so it
is exact for five audits as for five hundred.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SHIFTS = np.linspace(-6.0, 6.0, 121)
"""Of log-odds, that are thought possible."""
FREEDOM = 4.0
"""Degrees of freedom of what is believed beforehand: a set may be unlike those of the benchmark."""
FURTHEST = 6.0
"""Log-odds beyond which nobody's word is taken."""
DRAWS, MOST_ITEMS = 800, 10_000
LEVEL = 0.9
"""Of the intervals."""


class Judged(NamedTuple):
    """What is said of items. right: float [N], that the classifier is, by a head that saw no audit;
    probabilities: float [N, C], the classifier's."""

    right: Floats
    probabilities: Floats


class Belief(NamedTuple):
    """Beforehand, of the shift of log-odds. middle, scale: of it; by_class: standard deviation around it of
    the shift of one class."""

    middle: float
    scale: float
    by_class: float


class Interval(NamedTuple):
    value: float
    low: float
    high: float

    def told(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in self._asdict().items()}


class Estimate(NamedTuple):
    """per_class: by the class's number, of those that there are labels of; shift, spread: mean and standard
    deviation of the common shift of log-odds, afterwards."""

    accuracy: Interval
    f1_macro: Interval
    per_class: dict[int, Interval]
    shift: float
    spread: float


MIDDLE, KNOWN, SCALE, FEW, BY_CLASS = 0.5, 1.7, 0.3, 100, 0.6
"""Chosen on ag-news, banking77, disaster-headlines, notmnist and sst2 (benchmarks/estimates.py), the last two
so that intervals of 90 % hold the truth nine times of ten there, and no more often."""
MISSED = 0.6
"""Standard deviation of the logarithm of how many of a class are missed: the classifier's second guesses tell
where its errors belong, but roughly. Chosen likewise, by the classes' F1."""


def believed(pool: Judged, labels: int) -> Belief:
    """Beforehand, of a classifier that learned from so many labels, and of what its head says of the pool.

    A strategy's labels are not only hard, which the head knows: none repeats another, so that a sibling
    misses the one that it is asked about more than any other. Hence classifiers are better than their
    verdicts say, the more so the more they know beyond naming the commonest class.
    """
    said = np.bincount(pool.probabilities.argmax(1)).max() / len(pool.right)
    known = float(log_odds(pool.right.mean()) - log_odds(said))
    return Belief(MIDDLE * min(max(known / KNOWN, 0.0), 1.0), SCALE * max(1.0, FEW / labels), BY_CLASS)


def estimate(
    pool: Judged, audits: Judged, actual: Ints, belief: Belief, *, classes: Ints, seed: int = 0
) -> Estimate:
    """pool: of what waits, at most MOST_ITEMS of it, at random; audits: of n labelled items, by siblings that
    never saw them; actual: int [n], their classes; classes: numbers of those that have labels."""
    chance = np.random.default_rng(seed)
    said, audited = pool.probabilities.argmax(1), audits.probabilities.argmax(1)
    likelihoods = _likelihoods(audits, audited, actual, pool.probabilities.shape[1])
    weights, near = _common(likelihoods, belief)
    common = chance.choice(len(SHIFTS), DRAWS, p=weights)
    own = _own(likelihoods, near, common, chance)  # [DRAWS, C]
    right, wrong = _expected(pool, said, chance, own)
    counts = np.bincount(said, minlength=right.shape[1])
    f1 = 2 * right / np.maximum(counts + right + wrong, 1e-9)
    per_class = {int(each): _interval(f1[:, each]) for each in classes}
    macro, accuracy = f1[:, classes].mean(1), right.sum(1) / max(len(said), 1)
    mean = float(weights @ SHIFTS)
    spread = float(np.sqrt(weights @ (SHIFTS - mean) ** 2))
    return Estimate(_interval(accuracy), _interval(macro), per_class, mean, spread)


def _likelihoods(audits: Judged, said: Ints, actual: Ints, classes: int) -> Floats:
    """Of the audits of which each class was said, at each shift: [SHIFTS, C]."""
    odds = log_odds(audits.right)[None] + SHIFTS[:, None]
    each = -np.logaddexp(0, np.where(said == actual, -odds, odds))  # [SHIFTS, n]
    found = np.zeros((len(SHIFTS), classes))
    for number in np.unique(said):
        found[:, number] = each[:, said == number].sum(1)
    return np.exp(found - found.max(0))


def _common(likelihoods: Floats, belief: Belief) -> tuple[Floats, Floats]:
    """How likely each common shift is, [SHIFTS], and a class's own beside each, [SHIFTS, SHIFTS]."""
    apart = (SHIFTS[None] - SHIFTS[:, None]) / belief.by_class
    near = np.exp(-0.5 * apart**2)
    near /= near.sum(1, keepdims=True)
    prior = -(FREEDOM + 1) / 2 * np.log1p(((SHIFTS - belief.middle) / belief.scale) ** 2 / FREEDOM)
    said = prior + np.log((near @ likelihoods).clip(1e-300)).sum(1)
    weights = np.exp(said - said.max())
    return weights / weights.sum(), near


def _own(likelihoods: Floats, near: Floats, common: Ints, chance: np.random.Generator) -> Ints:
    """A draw of each class's shift beside each common one, as places in SHIFTS: [DRAWS, C]."""
    found = np.empty((len(common), likelihoods.shape[1]), np.int64)
    for number in range(likelihoods.shape[1]):
        steps = np.cumsum(near * likelihoods[:, number], axis=1)
        lots = chance.random(len(common)) * steps[common, -1]
        found[:, number] = (steps[common] < lots[:, None]).sum(1).clip(max=len(SHIFTS) - 1)
    return found


def _expected(pool: Judged, said: Ints, chance: np.random.Generator, own: Ints) -> tuple[Floats, Floats]:
    """For each draw and class how many of its items are found, and how many are missed: [DRAWS, C]."""
    right, wrong = np.zeros(own.shape), np.zeros(own.shape)
    odds = log_odds(pool.right)
    for number in np.unique(said):
        rows = said == number
        shifts, at = np.unique(own[:, number], return_inverse=True)
        sure = 1 / (1 + np.exp(-(odds[rows][None] + SHIFTS[shifts][:, None])))  # [shifts, items]
        rest = pool.probabilities[rows].copy()
        rest[:, number] = 0
        rest /= rest.sum(1, keepdims=True).clip(1e-12)
        noise = np.sqrt((sure * (1 - sure)).sum(1))[at] * chance.standard_normal(len(at))
        right[:, number] = (sure.sum(1)[at] + noise).clip(0, rows.sum())
        wrong += ((1 - sure) @ rest)[at]
    wrong *= np.exp(MISSED * chance.standard_normal(wrong.shape) - MISSED**2 / 2)
    # Of a rare class a handful waits: how many of it are missed is chance, too, about Poisson's.
    return right, (wrong + np.sqrt(wrong) * chance.standard_normal(wrong.shape)).clip(0)


def log_odds(likely: npt.ArrayLike) -> Floats:
    """Of P(right), within FURTHEST."""
    least = 1 / (1 + np.exp(FURTHEST))
    known = np.asarray(likely, np.float64).clip(least, 1 - least)
    return np.log(known / (1 - known))


def _interval(drawn: Floats) -> Interval:
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(drawn.mean()), float(low), float(high))
