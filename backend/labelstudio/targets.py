"""From a task's annotations to the one class it is trained as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from backend.labelstudio.scheme import LabelScheme


def target_of(annotations: Iterable[Any], scheme: LabelScheme) -> str | None:
    """The class most annotators chose, ground truth outweighing all others; None where nobody chose.

    Skipped annotations (`was_cancelled`, which may carry a full result), empty ones and choices the
    config no longer has do not count. Among equally frequent classes the most recent choice wins.
    """
    votes = []
    for annotation in annotations:
        if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
            continue
        choice = _choice_of(annotation.get("result"), scheme)
        if choice is not None:
            truth = bool(annotation.get("ground_truth"))
            votes.append((truth, str(annotation.get("updated_at", "")), choice))
    if not votes:
        return None
    if any(truth for truth, _, _ in votes):
        votes = [vote for vote in votes if vote[0]]
    counts = Counter(choice for _, _, choice in votes)
    latest = {choice: when for _, when, choice in sorted(votes)}
    return max(counts, key=lambda choice: (counts[choice], latest[choice]))


def _choice_of(result: Any, scheme: LabelScheme) -> str | None:
    for region in result if isinstance(result, list) else []:
        if not isinstance(region, dict) or region.get("from_name") != scheme.from_name:
            continue
        value = region.get("value")
        choices = value.get("choices") if isinstance(value, dict) else None
        if isinstance(choices, list) and choices and choices[0] in scheme.labels:
            return str(choices[0])
    return None
