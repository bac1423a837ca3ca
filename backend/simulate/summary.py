"""What the learning curves say of each strategy, and how large a difference must be to count."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from scipy.stats import studentized_range

from backend.simulate.replay import Replay, Score

TARGET = 0.9
"""Share of the full-data score that counts as having got there."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class StrategySummary:
    """One strategy over all seeds.

    areas: by seed, the mean macro-F1 over the budgets measured; labels_needed: by seed, the first budget
    with TARGET of that seed's full-data macro-F1, None where none is; the rest are means over the seeds,
    seconds_choosing of CPU seconds for one whole replay, per_class of labels found at the end, class_f1 of
    each class's F1 at the end, where it was among a seed's held-out texts.
    """

    strategy: str
    areas: dict[int, float]
    labels_needed: dict[int, int | None]
    final_macro_f1: float
    seconds_choosing: float
    per_class: dict[str, float]
    class_f1: dict[str, float] = field(default_factory=dict)

    @property
    def area(self) -> float:
        return statistics.mean(self.areas.values())

    @property
    def area_deviation(self) -> float | None:
        """Standard deviation over the seeds; None for a single one."""
        return statistics.stdev(self.areas.values()) if len(self.areas) > 1 else None

    @property
    def median_labels_needed(self) -> float | None:
        """None where half of the seeds or more never got there."""
        reached = [math.inf if needed is None else needed for needed in self.labels_needed.values()]
        median = statistics.median(reached)
        return None if math.isinf(median) else median


def is_level(one: StrategySummary, other: StrategySummary) -> bool:
    """Whether the two areas, or their difference, are the same as shown, in three digits."""
    return f"{one.area:.3f}" == f"{other.area:.3f}" or f"{abs(one.area - other.area):.3f}" == "0.000"


@dataclass(frozen=True)
class Summary:
    """strategies: largest area first; full_scores: by seed, of a model trained on every text not held out;
    noise: the smallest difference in area that is not put down to the seeds, None when it cannot be told;
    own_start: the default strategy from the backend's own first order in place of random labels. It is not
    among the strategies, as it does not start with what they start with."""

    strategies: list[StrategySummary]
    full_scores: dict[int, Score]
    noise: float | None
    own_start: StrategySummary | None = None

    @property
    def full_class_f1(self) -> dict[str, float]:
        return mean_by_class([score.class_f1 for score in self.full_scores.values()])

    @property
    def full_macro_f1(self) -> float:
        return statistics.mean(score.macro_f1 for score in self.full_scores.values())

    def like(self, row: StrategySummary) -> list[StrategySummary]:
        """The other strategies whose area is not distinguishable from this one's."""
        return [other for other in self.strategies if other is not row and not self.differ(row, other)]

    def differ(self, one: StrategySummary, other: StrategySummary) -> bool:
        """Whether by more than noise, and by something that is seen."""
        beyond = self.noise is not None and abs(one.area - other.area) > self.noise
        return beyond and not is_level(one, other)


def summarise(replays: Sequence[Replay], full_scores: dict[int, Score]) -> Summary:
    """replays: of every strategy the same seeds."""
    compared = [replay for replay in replays if not replay.own_start]
    own = [replay for replay in replays if replay.own_start]
    names = dict.fromkeys(replay.strategy for replay in compared)
    rows = [_summary([r for r in compared if r.strategy == name], full_scores) for name in names]
    rows.sort(key=lambda row: -row.area)
    areas = [[row.areas[seed] for seed in sorted(full_scores)] for row in rows]
    return Summary(rows, full_scores, honest_difference(areas), _summary(own, full_scores) if own else None)


def _summary(replays: list[Replay], full_scores: dict[int, Score]) -> StrategySummary:
    replays = sorted(replays, key=lambda replay: replay.seed)
    return StrategySummary(
        strategy=replays[0].strategy,
        areas={r.seed: statistics.mean(point.score.macro_f1 for point in r.points) for r in replays},
        labels_needed={r.seed: _labels_needed(r, TARGET * full_scores[r.seed].macro_f1) for r in replays},
        final_macro_f1=statistics.mean(r.points[-1].score.macro_f1 for r in replays),
        seconds_choosing=statistics.mean(r.points[-1].seconds_choosing for r in replays),
        per_class={
            label: statistics.mean(r.per_class[label] for r in replays) for label in replays[0].per_class
        },
        class_f1=mean_by_class([r.points[-1].score.class_f1 for r in replays]),
    )


def mean_by_class(scores: Sequence[dict[str, float]]) -> dict[str, float]:
    """Over the seeds that have the class."""
    names = dict.fromkeys(name for score in scores for name in score)
    return {name: statistics.mean(score[name] for score in scores if name in score) for name in names}


def _labels_needed(replay: Replay, wanted: float) -> int | None:
    return next((point.labels for point in replay.points if point.score.macro_f1 >= wanted), None)


def honest_difference(scores: list[list[float]]) -> float | None:
    """The smallest difference of two strategies' means that counts as more than noise.

    scores: [strategies, seeds]. Tukey's honestly significant difference at CONFIDENCE, in a randomised
    block design: a seed fixes the split and the first labels for all strategies, so what it adds to all
    of them is taken out, and every pair may be compared at once (Montgomery, Design and Analysis of
    Experiments, ch. 4). None with fewer than two strategies or two seeds.
    """
    table = np.asarray(scores)
    strategies, seeds = table.shape
    if strategies < 2 or seeds < 2:
        return None
    residual = table - table.mean(1, keepdims=True) - table.mean(0, keepdims=True) + table.mean()
    freedom = (strategies - 1) * (seeds - 1)
    error = math.sqrt(float((residual**2).sum()) / freedom / seeds)
    return _quantile(strategies, freedom) * error


@lru_cache
def _quantile(strategies: int, freedom: int) -> float:
    """Of the studentized range, at CONFIDENCE: it takes a tenth of a second to compute."""
    return float(studentized_range.ppf(CONFIDENCE, strategies, freedom))
