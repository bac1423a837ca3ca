"""What a retrain did, as a line of the log that a person can read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

FEWEST_AUDITS = 3
"""From which on an estimate of what waits is told."""
SHOWN = 6
"""Labels named one by one; the rest are counted."""


def in_words(result: dict[str, Any]) -> str:
    """result: what the job returns; all of it is to be had from `/job_status`."""
    if "model_version" not in result:
        return f"nothing is published: {result['reason']}"
    name, waiting = result["model_version"], result["waiting"]
    if result["published"]:
        done = f"{name} orders the {waiting} tasks that wait"
    elif result["head"]:
        done = f"{name} is made and kept; the project stays with the version it has"
    else:
        done = f"{name} is made; no task waits"
    parts = [f"{done}. Trained on {result['trained_on']} labels{_counts(result['labels'])}"]
    parts.append(f"strategy {result['strategy']}")
    if result.get("accuracy") is not None:
        parts.append(f"accuracy out of fold {result['accuracy']:.0%}")
    if (estimated := estimate_in_words(result)) is not None:
        parts.append(f"estimated on what waits: {estimated}")
    if advice := (result.get("forecast") or {}).get("advice"):
        parts.append(advice)
    if measured := measured_in_words(result):
        parts.append(f"out of fold {measured}")
    if (adapted := result.get("adapted")) is not None:
        before, after = (adapted.get(name, math.nan) for name in ("frozen", "adapted"))
        measure = adapted.get("measure", "right on held-out items")
        parts.append(f"guesses by adapted layers ({measure} {after:.0%}, before {before:.0%})")
    if "ranked_on" in result:
        parts.append(ranked_in_words(result))
    parts.append(f"{sum(result['seconds'].values()):.1f} s")
    return "; ".join([*parts, *result["notes"]])


def ranked_in_words(stats: Mapping[str, Any]) -> str:
    """Which vectors the order is of. stats: a version's."""
    ranked = stats.get("ranked_on")
    if not isinstance(ranked, dict):
        return "the order is of frozen vectors"
    return f"the first {ranked['tasks']} tasks are in an order of adapted vectors, the others of frozen ones"


def measured_in_words(stats: Mapping[str, Any]) -> str:
    """The main measure of parts that are marked, such as "f1 0.56"; "" without. stats: a version's."""
    measured = stats.get("measured")
    name, value = next(iter(measured.items()), ("", None)) if isinstance(measured, dict) else ("", None)
    return "" if value is None else f"{name} {value:.2f}"


def estimate_in_words(stats: Mapping[str, Any]) -> str | None:
    """What audits show of what waits, such as "accuracy 91% (85% to 95%)"; None without."""
    name, found = estimated_of(stats)
    return (
        None if found is None else f"{name} {found['value']:.0%} ({found['low']:.0%} to {found['high']:.0%})"
    )


def estimated_of(stats: Mapping[str, Any]) -> tuple[str, dict[str, float] | None]:
    """By which measure audits say how right a version is on what waits, and the value with its interval: the
    accuracy, or, of answers that may be right in part, the agreement with annotators. "", None without."""
    estimate = stats.get("estimate")
    for name in ("accuracy", "agreement"):
        found = estimate.get(name) if isinstance(estimate, dict) else None
        if isinstance(found, dict):
            return name, found
    return "", None


def _counts(labels: dict[str, int]) -> str:
    ranked = sorted(labels.items(), key=lambda each: -each[1])
    named = [f"{label} {count}" for label, count in ranked[:SHOWN]]
    if len(ranked) > SHOWN:
        named.append(f"and {len(ranked) - SHOWN} more")
    return f" ({', '.join(named)})" if named else ""
