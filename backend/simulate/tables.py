"""The numbers as files: curves.csv, a row per measurement, and summary.json."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import Any

from backend import __version__
from backend.simulate.encoders import Comparison
from backend.simulate.folder import MADE_BY
from backend.simulate.outcome import Outcome, Part
from backend.simulate.replay import Replay
from backend.simulate.summary import TARGET, StrategySummary

COLUMNS = ("strategy", "seed", "labels", "macro_f1", "accuracy", "seconds_choosing", "encoder")


def curves_csv(replays: list[Replay]) -> str:
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(COLUMNS)
    for replay in replays:
        for point in replay.points:
            score = (f"{point.score.macro_f1:.6f}", f"{point.score.accuracy:.6f}")
            seconds = f"{point.seconds_choosing:.3f}"
            writer.writerow((replay.name, replay.seed, point.labels, *score, seconds, replay.encoder))
    return content.getvalue()


def summary_json(outcome: Outcome) -> str:
    """Strategies by place, of several encoders with the one to set; `encoders` has all of them, by place.
    "not reached" is null; seconds are of CPU time."""
    chosen, encoders = outcome.chosen, outcome.encoders
    content = {
        "made_by": MADE_BY,
        "version": __version__,
        "verdict": str(chosen.verdict),
        "setting": {
            "STRATEGY": chosen.verdict.setting,
            **({} if encoders is None else {outcome.texts.things.setting.upper(): chosen.encoder}),
        },
        "plan": asdict(outcome.plan),
        "data": {
            "file": outcome.file.name,
            "path": str(outcome.file.resolve()),
            "source": outcome.texts.source,
            "things": outcome.texts.things.many,
            "texts": len(outcome.texts.rows),
            "duplicates": outcome.texts.duplicates,
            "dropped": outcome.texts.dropped,
            "warnings": outcome.texts.warnings,
            "per_class": outcome.texts.per_class,
            "pool": outcome.pool,
        },
        "method": outcome.method,
        "target": TARGET,
        **_part(chosen),
        "encoders": None if encoders is None else _encoders(encoders, outcome.parts),
        "failures": outcome.failures,
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _part(part: Part) -> dict[str, Any]:
    summary = part.summary
    return {
        "full_data": {seed: asdict(score) for seed, score in sorted(summary.full_scores.items())},
        "noise": summary.noise,
        "strategies": {row.strategy: _strategy(row) for row in summary.strategies},
        "own_start": None if summary.own_start is None else _strategy(summary.own_start),
    }


def _encoders(found: Comparison, parts: list[Part]) -> dict[str, Any]:
    """labels_for_target: to the target share of what `yardstick` reaches with every label."""
    by_name = {part.encoder: _part(part) for part in parts}
    return {
        "verdict": str(found.verdict),
        "yardstick": found.yardstick,
        "noise": found.summary.noise,
        "by_name": {
            row.strategy: {
                "area": row.area,
                "area_deviation": row.area_deviation,
                "areas": row.areas,
                "labels_for_target": row.median_labels_needed,
                "labels_for_target_by_seed": row.labels_needed,
                "final_macro_f1": row.final_macro_f1,
                "full_data_macro_f1": found.full[row.strategy],
                "seconds_encoding": row.seconds_choosing,
                **by_name[row.strategy],
            }
            for row in found.summary.strategies
        },
    }


def _strategy(row: StrategySummary) -> dict[str, Any]:
    return {
        "area": row.area,
        "area_deviation": row.area_deviation,
        "areas": row.areas,
        "labels_for_target": row.median_labels_needed,
        "labels_for_target_by_seed": row.labels_needed,
        "final_macro_f1": row.final_macro_f1,
        "seconds_choosing": row.seconds_choosing,
        "labels_per_class": row.per_class,
        "f1_per_class": row.class_f1,
    }
