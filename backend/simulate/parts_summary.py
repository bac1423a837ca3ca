"""What replays of parts come to: by strategy, per item and by what people pay for."""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from backend import __version__
from backend.simulate.folder import MADE_BY
from backend.simulate.parts import Items, PartsReplay
from backend.simulate.plan import DEFAULT, Plan

BASELINE = "random"


@dataclass(frozen=True)
class PartsSummary:
    """Means over the seeds. per_item: of the score over the budgets; per_cost: of the score over what all
    replays have paid; ahead, error: of per_cost over random order on the same seeds, and its standard error,
    None where there is no random order, or one seed; cost, score: at the end."""

    strategy: str
    per_item: float
    per_cost: float
    ahead: float | None
    error: float | None
    cost: float
    score: float
    seconds: float


def summarised(replays: Sequence[PartsReplay]) -> list[PartsSummary]:
    """The best by what is paid first."""
    least = max(each.points[0].cost for each in replays)
    most = min(each.points[-1].cost for each in replays)
    grid = np.linspace(least, max(most, least), 50)
    areas: dict[str, dict[int, float]] = {}
    for each in replays:
        cost, score = [point.cost for point in each.points], [point.score for point in each.points]
        areas.setdefault(each.strategy, {})[each.seed] = float(np.interp(grid, cost, score).mean())
    rows = [_row(name, [r for r in replays if r.strategy == name], areas) for name in areas]
    return sorted(rows, key=lambda row: -row.per_cost)


def _row(name: str, replays: list[PartsReplay], areas: dict[str, dict[int, float]]) -> PartsSummary:
    base = areas.get(BASELINE)
    ahead = [area - base[seed] for seed, area in areas[name].items()] if base else []
    many = len(ahead) > 1 and name != BASELINE
    last = [each.points[-1] for each in replays]
    return PartsSummary(
        name,
        statistics.mean(statistics.mean(point.score for point in each.points) for each in replays),
        statistics.mean(areas[name].values()),
        statistics.mean(ahead) if ahead and name != BASELINE else None,
        statistics.stdev(ahead) / len(ahead) ** 0.5 if many else None,
        statistics.mean(point.cost for point in last),
        statistics.mean(point.score for point in last),
        statistics.mean(point.seconds for point in last),
    )


def verdict(rows: Sequence[PartsSummary], cost: str) -> str:
    """The default stays unless another, which is not random order, is clearly ahead of it. cost: what is
    paid, in words."""
    best, own = rows[0], next((row for row in rows if row.strategy == DEFAULT), None)
    if not any(row.per_cost for row in rows):
        return "No strategy's model finds anything yet: nothing can be compared. Give a larger --budget."
    if len({row.per_cost for row in rows}) == 1 < len(rows):
        return (
            f"All strategies come to the same by {cost}: nothing tells one from another here. Keep {DEFAULT}."
        )
    if own is None:
        return (
            f"{best.strategy} comes first by {cost}. {DEFAULT}, the default, was not replayed: add it to "
            "--strategies before you set another."
        )
    if best is own:
        return f"{DEFAULT} comes first by {cost}. It is the default: there is nothing to set."
    error = max(best.error or 0.0, own.error or 0.0)
    gain = best.per_cost - own.per_cost
    if error == 0.0 or gain <= 2 * error:
        return f"{best.strategy} is not clearly ahead of {own.strategy}: {own.strategy} stays."
    if best.strategy == BASELINE:
        return (
            f"Random order is ahead of {DEFAULT} by {gain:.3f}. Keep {DEFAULT} until more is labelled, and "
            "run this again."
        )
    return f"{best.strategy} is ahead of {own.strategy} by {gain:.3f}. Set STRATEGY={best.strategy}."


def curves(replays: Sequence[PartsReplay], kind: type[Items]) -> str:
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(("strategy", "seed", "labels", kind.cost, kind.measure, "seconds_choosing"))
    for each in replays:
        for point in each.points:
            told = (point.labels, point.cost, f"{point.score:.6f}", f"{point.seconds:.3f}")
            writer.writerow((each.strategy, each.seed, *told))
    return content.getvalue()


def as_json(
    data: Mapping[str, Any],
    plan: Plan,
    kind: type[Items],
    encoder: str,
    full: dict[int, float],
    rows: Sequence[PartsSummary],
) -> str:
    """data: of what was read; full: by seed, the score with all labels."""
    content: dict[str, Any] = {
        "made_by": MADE_BY,
        "version": __version__,
        "verdict": verdict(rows, kind.cost_told),
        "plan": asdict(plan),
        "data": dict(data),
        "encoder": encoder,
        "cost": kind.cost,
        "measure": kind.measure,
        f"full_data_{kind.measure}": full,
        "strategies": [asdict(row) for row in rows],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
