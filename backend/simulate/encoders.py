"""Several encoders side by side: each one's curve is the mean over the strategies that all of them have."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.simulate.plan import Plan
from backend.simulate.replay import Full, Point, Replay, Score
from backend.simulate.summary import StrategySummary, Summary, is_level, mean_by_class, summarise
from backend.simulate.verdict import ENOUGH_LABELS, Verdict, area_in_words, headline_of, in_a_row


@dataclass(frozen=True)
class Comparison:
    """summary: of the encoders, in the strategies' places, with CPU seconds of encoding in those of choosing;
    its full-data score, and with it the labels needed, is the one of `yardstick`, the encoder whose is
    lowest, for all of them. curves: what was summarised. full: the full-data macro-F1 of each, by encoder.
    verdict: its setting is a value for ENCODER."""

    summary: Summary
    yardstick: str
    curves: list[Replay]
    full: dict[str, float]
    verdict: Verdict


def compare(
    replays: Sequence[Replay], full: Mapping[str, Mapping[int, Full]], plan: Plan
) -> Comparison | None:
    """replays: complete ones; full: by encoder, then by seed. None for a single encoder."""
    if len(full) < 2:
        return None
    common = set.intersection(*({r.strategy for r in replays if r.encoder == name} for name in full))
    compared = [r for r in replays if r.strategy in common and not r.own_start]
    curves = [
        _mean([r for r in compared if (r.encoder, r.seed) == (name, seed)], by_seed[seed])
        for name, by_seed in full.items()
        for seed in by_seed
    ]
    means = {
        name: statistics.mean(each.score.macro_f1 for each in by_seed.values())
        for name, by_seed in full.items()
    }
    yardstick = min(means, key=lambda name: means[name])
    summary = summarise(curves, {seed: each.score for seed, each in full[yardstick].items()})
    return Comparison(summary, yardstick, curves, means, _judge(summary, yardstick, plan))


def _mean(compared: Sequence[Replay], full: Full) -> Replay:
    """Of one encoder's on one seed, over the strategies."""
    first = compared[0]
    points = [
        Point(steps[0].labels, _mean_score([point.score for point in steps]), full.seconds_encoding)
        for steps in zip(*(r.points for r in compared), strict=True)
    ]
    per_class = {
        label: round(statistics.mean(r.per_class[label] for r in compared)) for label in first.per_class
    }
    return Replay(first.encoder, first.seed, tuple(points), per_class, encoder=first.encoder)


def _mean_score(scores: Sequence[Score]) -> Score:
    return Score(
        statistics.mean(score.macro_f1 for score in scores),
        statistics.mean(score.accuracy for score in scores),
        mean_by_class([score.class_f1 for score in scores]),
    )


def _judge(summary: Summary, yardstick: str, plan: Plan) -> Verdict:
    best, *others = summary.strategies
    present = plan.encoders[0]
    better = all(summary.differ(best, row) for row in others) and plan.budget >= ENOUGH_LABELS
    setting = best.strategy if better else present
    sentences = [area_in_words(best, others[0]), *_noise(summary, best), _needed(summary, yardstick)]
    if setting == present:
        sentences.append(f"Stay with {present}." if best.strategy == present else _why_not(present, plan))
    level = [row for row in others if is_level(best, row)]
    return Verdict(headline_of(summary, level), sentences, setting)


def _noise(summary: Summary, best: StrategySummary) -> list[str]:
    if summary.noise is None:
        return []
    return [f"Differences up to {summary.noise:.3f} are within the noise over {len(best.areas)} seeds."]


def _needed(summary: Summary, yardstick: str) -> str:
    """How many labels each takes to the same score."""
    told = [
        f"{row.strategy} {'does not get there' if needed is None else f'with {needed:g} labels'}"
        for row in summary.strategies
        for needed in (row.median_labels_needed,)
    ]
    target = f"90 % of what {yardstick} reaches with every label ({summary.full_macro_f1:.3f})"
    return f"To {target} comes: {in_a_row(told)}."


def _why_not(present: str, plan: Plan) -> str:
    if plan.budget < ENOUGH_LABELS:
        return f"{plan.budget} labels are too few to choose by: stay with {present}, which was named first."
    return f"That is no reason to leave {present}, which was named first."
