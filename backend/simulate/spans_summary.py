"""What replays of spans come to: by strategy, per text and per word that was read."""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend import __version__
from backend.labelled.marked import MarkedTexts
from backend.simulate.folder import MADE_BY
from backend.simulate.plan import DEFAULT, Plan
from backend.simulate.spans import SpanReplay

BASELINE = "random"


@dataclass(frozen=True)
class SpanSummary:
    """Means over the seeds. per_text: of F1 over the budgets; per_word: of F1 over numbers of words that all
    replays have; ahead, error: of per_word over random order on the same seeds, and its standard error, None
    where there is no random order, or one seed; words, f1: at the end."""

    strategy: str
    per_text: float
    per_word: float
    ahead: float | None
    error: float | None
    words: float
    f1: float
    seconds: float


def summarised(replays: Sequence[SpanReplay]) -> list[SpanSummary]:
    """The best per word first."""
    least = max(each.points[0].words for each in replays)
    most = min(each.points[-1].words for each in replays)
    grid = np.linspace(least, max(most, least), 50)
    areas: dict[str, dict[int, float]] = {}
    for each in replays:
        words, f1 = [point.words for point in each.points], [point.f1 for point in each.points]
        areas.setdefault(each.strategy, {})[each.seed] = float(np.interp(grid, words, f1).mean())
    rows = [_row(name, [r for r in replays if r.strategy == name], areas) for name in areas]
    return sorted(rows, key=lambda row: -row.per_word)


def _row(name: str, replays: list[SpanReplay], areas: dict[str, dict[int, float]]) -> SpanSummary:
    base = areas.get(BASELINE)
    ahead = [area - base[seed] for seed, area in areas[name].items()] if base else []
    many = len(ahead) > 1 and name != BASELINE
    last = [each.points[-1] for each in replays]
    return SpanSummary(
        name,
        statistics.mean(statistics.mean(point.f1 for point in each.points) for each in replays),
        statistics.mean(areas[name].values()),
        statistics.mean(ahead) if ahead and name != BASELINE else None,
        statistics.stdev(ahead) / len(ahead) ** 0.5 if many else None,
        statistics.mean(point.words for point in last),
        statistics.mean(point.f1 for point in last),
        statistics.mean(point.seconds for point in last),
    )


def verdict(rows: Sequence[SpanSummary]) -> str:
    """The default stays unless another is clearly ahead of it."""
    best, own = rows[0], next((row for row in rows if row.strategy == DEFAULT), None)
    if own is None or best is own:
        return f"{best.strategy} is best for the words that were read. Set STRATEGY={best.strategy}."
    error = max(best.error or 0.0, own.error or 0.0)
    gain = best.per_word - own.per_word
    if error == 0.0 or gain <= 2 * error:
        return f"{best.strategy} is not clearly ahead of {own.strategy}: {own.strategy} stays."
    return f"{best.strategy} is ahead of {own.strategy} by {gain:.3f}. Set STRATEGY={best.strategy}."


def curves(replays: Sequence[SpanReplay]) -> str:
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(("strategy", "seed", "labels", "words", "f1", "seconds_choosing"))
    for each in replays:
        for point in each.points:
            told = (point.labels, point.words, f"{point.f1:.6f}", f"{point.seconds:.3f}")
            writer.writerow((each.strategy, each.seed, *told))
    return content.getvalue()


def as_json(
    file: Path,
    texts: MarkedTexts,
    plan: Plan,
    encoder: str,
    full: dict[int, float],
    rows: Sequence[SpanSummary],
) -> str:
    """full: by seed, F1 with all labels."""
    content: dict[str, Any] = {
        "made_by": MADE_BY,
        "version": __version__,
        "verdict": verdict(rows),
        "plan": asdict(plan),
        "data": {
            "file": file.name,
            "path": str(file.resolve()),
            "source": texts.source,
            "texts": len(texts.rows),
            "labels": texts.labels,
            "dropped": texts.dropped,
        },
        "encoder": encoder,
        "full_data_f1": full,
        "strategies": [asdict(row) for row in rows],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
