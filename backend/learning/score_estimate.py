"""How well what a model answers agrees with annotators on what waits, of answers that may be right in part.

A score of an item is in [0, 1]: how far two answers agree, such as the F1 of spans. Audits, a random sample,
tell its mean over the pool; how sure the model is of an item, which is known of the whole pool, takes away
what of the sample's error is due to easier or harder items than the pool's: a regression estimator (Cassel,
Särndal & Wretman 1976; with a model's predictions Angelopoulos et al. 2023 call it prediction-powered). The
slope is found by all held-out verdicts. The interval is of a Beta posterior with as many coin tosses as the
audits are worth (Kish 1965, design effect), so that it stays in [0, 1] and wide while audits are few.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from backend.learning.estimates import LEVEL, Bools, Floats, Interval

PRIOR = 0.5
"""Tosses that are thought to have fallen on each side before there was an audit (Jeffreys 1946)."""
LEAST_SPREAD = 0.05
"""Variance of scores, in parts of a coin's with the same mean, below which it is not thought to be."""
FEWEST = 10
"""Verdicts by which a slope can be found."""


class Verdicts(NamedTuple):
    """Of m labelled items. score: float [m], in [0, 1], how far a model that never saw the item agreed; sure:
    float [m], how sure it was; is_audit: bool [m], drawn at random; weights: float [m], how much each verdict
    says of the model that there is now."""

    score: Floats
    sure: Floats
    is_audit: Bools
    weights: Floats


def score_estimate(verdicts: Verdicts, pool_sure: Floats) -> Interval:
    """pool_sure: float [N], of what waits. Raises ValueError without an audit."""
    audits = verdicts.is_audit
    weights = verdicts.weights[audits]
    if not weights.sum() > 0:
        raise ValueError("an estimate needs labels of tasks that were drawn at random")
    slope = _slope(verdicts)
    mean = float(np.average(verdicts.score[audits], weights=weights))
    if len(pool_sure):
        mean += slope * float(pool_sure.mean() - np.average(verdicts.sure[audits], weights=weights))
    mean = min(max(mean, 0.0), 1.0)
    tosses = weights.sum() ** 2 / (weights**2).sum() / _spread(verdicts, slope)
    found = stats.beta(mean * tosses + PRIOR, (1 - mean) * tosses + PRIOR)
    low, high = found.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(found.mean()), float(low), float(high))


def _slope(verdicts: Verdicts) -> float:
    """Of the score over how sure the model is, shrunk as far as chance may have made it."""
    apart = verdicts.sure - verdicts.sure.mean()
    around = float((apart**2).sum())
    if len(apart) < FEWEST or around < 1e-9:
        return 0.0
    score = verdicts.score - verdicts.score.mean()
    slope = float(apart @ score) / around
    noise = float(((score - slope * apart) ** 2).sum()) / (len(apart) - 2) / around
    return slope * max(0.0, 1 - noise / slope**2) if slope else 0.0


def _spread(verdicts: Verdicts, slope: float) -> float:
    """Variance of scores beside the slope, of all verdicts, in parts of that of coins with their mean."""
    mean = float(np.clip(verdicts.score.mean(), 0.05, 0.95))
    if len(verdicts.score) < FEWEST:
        return 1.0
    beside = verdicts.score - slope * verdicts.sure
    return float(np.clip(beside.var() / (mean * (1 - mean)), LEAST_SPREAD, 1.0))
