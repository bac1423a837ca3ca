"""Tables of kept curves: differences to random order with their errors, and ranks."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

import numpy as np

from benchmarks.order.oracle import ORACLE
from benchmarks.order.replay import RANDOM
from benchmarks.order.shards import Replayed, Shard, kept

Scores = dict[str, dict[int, float]]
"""By contender and seed: the mean macro-F1 over a curve."""
RESAMPLED = 2_000


def report(shards: Sequence[Shard], folder: Path, base: str = RANDOM) -> str:
    """A table for each kind of features, and how long it took. base: whom the differences are to."""
    found = {shard: curve for shard in shards if (curve := kept(shard, folder)) is not None}
    kinds = list(dict.fromkeys(shard.features for shard in found))
    parts = [_table(features, found, base) for features in kinds]
    everything = _by_set(found)
    if len(kinds) > 1:
        parts.append(f"Mean rank over all of the above\n\n{_ranks(everything, base)}")
    if any(shard.contender == ORACLE for shard in found):
        parts.append(_shares(everything))
    hours = sum(curve.cpu for curve in found.values()) / 3600
    return "\n\n".join([*parts, f"{len(found)} of {len(shards)} curves, {hours:.2f} CPU hours"])


def _shares(scores: dict[tuple[str, str], Scores]) -> str:
    """By contender the part of the oracle's gain over random order: of the sets' mean gains, and per set."""
    whole = {
        each: found
        for each, found in scores.items()
        if ORACLE in found and found[ORACLE].keys() == found.get(RANDOM, {}).keys()
    }
    lines = [f"| share of the oracle's gain | all | {' | '.join(name for _, name in whole)} |"]
    lines.append("|---" * (len(whole) + 2) + "|")
    for contender in dict.fromkeys(name for found in whole.values() for name in found):
        if contender in (ORACLE, RANDOM):
            continue
        gains = [_gains(found, contender) for found in whole.values()]
        if all(each is not None for each in gains):
            own, best = (fmean(each[i] for each in gains if each) for i in (0, 1))
            cells = " | ".join(_part(*each) for each in gains if each)
            lines.append(f"| `{contender}` | {_part(own, best)} | {cells} |")
    return "\n".join(lines)


def _gains(found: Scores, contender: str) -> tuple[float, float] | None:
    """Its mean gain over random order, and the oracle's; None where it was not replayed with all seeds."""
    if found.get(contender, {}).keys() != found[ORACLE].keys():
        return None
    base = fmean(found[RANDOM].values())
    return fmean(found[contender].values()) - base, fmean(found[ORACLE].values()) - base


def _part(own: float, best: float) -> str:
    return f"{own / best:.0%}" if best > 0 else "–"


def _by_set(found: dict[Shard, Replayed]) -> dict[tuple[str, str], Scores]:
    scores: dict[tuple[str, str], Scores] = defaultdict(lambda: defaultdict(dict))
    for shard, curve in found.items():
        scores[shard.features, shard.data][shard.contender][shard.seed] = fmean(curve.f1)
    return scores


def _table(features: str, found: dict[Shard, Replayed], base: str) -> str:
    scores = _by_set({shard: curve for shard, curve in found.items() if shard.features == features})
    sets = list(scores)
    contenders = list(dict.fromkeys(shard.contender for shard in found))
    lines = [f"| {features} | {' | '.join(name for _, name in sets)} |", "|---" * (len(sets) + 1) + "|"]
    for contender in contenders:
        cells = " | ".join(_cell(scores[each], contender, base) for each in sets)
        lines.append(f"| `{contender}` | {cells} |")
    return "\n".join([*lines, "", _ranks(scores, base)])


def _cell(scores: Scores, contender: str, base: str) -> str:
    own, others = scores.get(contender, {}), scores.get(base, {})
    both = sorted(own.keys() & others.keys())
    if not both:
        return "–"
    mean = fmean(own[seed] for seed in both)
    if contender == base:
        return f"{mean:.3f}"
    less = [own[seed] - others[seed] for seed in both]
    return f"{mean:.3f} ({fmean(less):+.3f}{_error(less)})"


def _error(less: Sequence[float]) -> str:
    return f" ± {stdev(less) / math.sqrt(len(less)):.3f}" if len(less) > 1 else ""


def _ranks(scores: dict[tuple[str, str], Scores], base: str) -> str:
    """By mean rank over the sets that all contenders were replayed on, 1 = first; the interval is of 90 % of
    the draws of as many sets, and of each as many seeds, with replacement."""
    contenders = list(dict.fromkeys(name for each in scores.values() for name in each))
    common = [
        sorted(set.intersection(*(set(each.get(name, {})) for name in contenders)))
        for each in scores.values()
    ]
    kept_sets = [(each, seeds) for each, seeds in zip(scores.values(), common, strict=True) if seeds]
    if not kept_sets:
        return "No set was replayed with all of them."
    tables = [
        np.array([[each[name][seed] for seed in seeds] for name in contenders]) for each, seeds in kept_sets
    ]
    ranks = _mean_rank([table.mean(1) for table in tables])
    chance = np.random.default_rng(0)
    drawn = np.array([_mean_rank(_resampled(tables, chance)) for _ in range(RESAMPLED)])
    low, high = np.quantile(drawn, (0.05, 0.95), axis=0)
    gains = np.mean([table.mean(1) - table.mean(1)[contenders.index(base)] for table in tables], axis=0)
    lines = [f"| {len(tables)} sets | mean rank | 90 % of draws | mean less {base} |", "|---|---|---|---|"]
    lines += [
        f"| `{contenders[i]}` | {ranks[i]:.2f} | {low[i]:.2f} to {high[i]:.2f} | {gains[i]:+.3f} |"
        for i in np.argsort(ranks)
    ]
    return "\n".join(lines)


def _resampled(tables: Sequence[np.ndarray], chance: np.random.Generator) -> list[np.ndarray]:
    chosen = chance.integers(len(tables), size=len(tables))
    return [
        table[:, chance.integers(table.shape[1], size=table.shape[1])].mean(1)
        for table in (tables[i] for i in chosen)
    ]


def _mean_rank(means: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over the sets of 1 + how many are better, ties halved. means: per set, float [contenders]."""
    ranks = [
        1 + (each[None] > each[:, None]).sum(1) + ((each[None] == each[:, None]).sum(1) - 1) / 2
        for each in means
    ]
    return np.asarray(np.mean(ranks, axis=0))
