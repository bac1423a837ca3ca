"""How well what a model answers agrees with annotators on what waits, of answers that may be right in part.

A score of an item is in [0, 1]: how far two answers agree, such as the F1 of spans. Audits, a random sample,
tell its mean over the pool; how sure the model is of an item, which is known of the whole pool, takes away
what of the sample's error is due to easier or harder items than the pool's: a regression estimator (Cassel,
Särndal & Wretman 1976; with a model's predictions Angelopoulos et al. 2023 call it prediction-powered). The
slope is found by all held-out verdicts. The interval is of a Beta posterior with as many coin tosses as the
audits are worth, so that it stays in [0, 1] and wide while audits are few; where they are all right, or all
wrong, it is Clopper & Pearson's (the modified Jeffreys interval of Brown, Cai & DasGupta 2001).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv

from backend.learning.estimates import LEVEL, Bools, Floats, Interval

PRIOR = 0.5
"""Tosses that are thought to have fallen on each side before there was an audit (Jeffreys 1946)."""
LEAST_SPREAD = 0.05
"""Variance of scores, in parts of a coin's with the same mean, below which it is not thought to be."""
FEWEST = 10
"""Verdicts by which a slope can be found."""
COINS = 5
"""Verdicts that are thought to have been coins before there were any: few that agree tell little of how far
others scatter."""
LEAST_WORTH = 1.0
"""Of all audits, in verdicts on the model that there is now, below which nothing is known of that."""
SAME = 1e-9
"""Below which a difference is none."""


class Verdicts(NamedTuple):
    """Of m labelled items. score: float [m], in [0, 1], how far a model that never saw the item agreed; sure:
    float [m], how sure it was; is_audit: bool [m], drawn at random; weights: float [m], in [0, 1], how much
    each verdict says of the model that there is now."""

    score: Floats
    sure: Floats
    is_audit: Bools
    weights: Floats


def score_estimate(verdicts: Verdicts, pool_sure: Floats | None) -> Interval | None:
    """pool_sure: float [N], of what waits, one at least; None where that is not known of all. Returns None
    where the audits are worth less than LEAST_WORTH."""
    audits = verdicts.is_audit
    weights = verdicts.weights[audits]
    if not weights.sum() >= LEAST_WORTH:
        return None
    slope = 0.0 if pool_sure is None else _slope(verdicts)
    mean = float(np.average(verdicts.score[audits], weights=weights))
    if pool_sure is not None:
        mean += slope * float(pool_sure.mean() - np.average(verdicts.sure[audits], weights=weights))
    tosses = float(weights.sum()) / _spread(verdicts, slope)
    return _interval(min(max(mean, 0.0), 1.0), tosses)


def _interval(mean: float, tosses: float) -> Interval:
    right, wrong = mean * tosses + PRIOR, (1 - mean) * tosses + PRIOR
    rest = (1 - LEVEL) / 2
    low, high = (float(betaincinv(right, wrong, end)) for end in (rest, 1 - rest))
    if mean > 1 - SAME:
        low, high = rest ** (1 / tosses), 1.0
    elif mean < SAME:
        low, high = 0.0, 1 - rest ** (1 / tosses)
    return Interval(right / (right + wrong), low, high)


def _slope(verdicts: Verdicts) -> float:
    """Of the score over how sure the model is, shrunk as far as chance may have made it."""
    apart = verdicts.sure - verdicts.sure.mean()
    around = float((apart**2).sum())
    if len(apart) < FEWEST or around < SAME:
        return 0.0
    score = verdicts.score - verdicts.score.mean()
    slope = float(apart @ score) / around
    noise = float(((score - slope * apart) ** 2).sum()) / (len(apart) - 2) / around
    return slope * max(0.0, 1 - noise / slope**2) if slope else 0.0


def _spread(verdicts: Verdicts, slope: float) -> float:
    """Variance of scores beside the slope, of all verdicts, in parts of that of coins with their mean: at
    most 1, and nearer to it the fewer there are."""
    mean, n = float(verdicts.score.mean()), len(verdicts.score)
    coin = mean * (1 - mean)
    if n < FEWEST or coin < SAME:
        return 1.0
    beside = float((verdicts.score - slope * verdicts.sure).var())
    return (n * float(np.clip(beside / coin, LEAST_SPREAD, 1.0)) + COINS) / (n + COINS)
