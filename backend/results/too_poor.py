"""Whether models are good enough to say which labels are wrong.

Measured on ag-news, banking77, disaster-headlines and sst2 with one label in ten made wrong
(benchmarks/poor_suspects.py): where models contradict nearly as many labels as labels drawn by lot would,
those that they contradict most are hardly wrong more often than any others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

POOR = 0.7
"""Of what labels drawn by lot would contradict, the share from which on models are too poor to judge."""


def is_too_poor(judged: int, contradicted: int, by_lot: int | None = None) -> bool:
    """By how many labels models that had not seen them contradict, of so many: their own held-out score.

    by_lot: how many labels drawn by lot would contradict; None for nearly all, as of boxes. Of one class, in
    which lots say nothing else, it must be nearly all, too.
    """
    return contradicted > POOR * (by_lot or judged)


def judgement_of(study: Mapping[str, Any]) -> tuple[int, int, int | None]:
    """What `is_too_poor` asks for, of a study."""
    return study.get("judged", 0), study.get("contradicted", 0), study.get("by_lot")


def told_of(judged: int, contradicted: int, by_lot: int | None = None) -> str:
    """In a sentence or two, for people."""
    if not is_too_poor(judged, contradicted, by_lot):
        return f"Of {judged} labels the models would give {contradicted} another."
    return (
        f"The models are too poor yet to say which labels are wrong: they contradict {contradicted} of "
        f"{judged}, little better than labels drawn by lot. Label more first."
    )
