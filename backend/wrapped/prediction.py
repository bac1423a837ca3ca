"""What a wrapped backend said of a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WrappedPrediction:
    """version: of its model, as it names it, UNNAMED where it does not; result: regions as Label Studio has
    them, () for "nothing here", which is an answer, too; score: of the whole prediction, in [0, 1], None
    where it gives none; made: when, in seconds since 1970."""

    task: int
    version: str
    result: tuple[dict[str, Any], ...]
    score: float | None
    made: float


UNNAMED = "unnamed"
"""The version of a model whose backend tells none."""
