"""What a wrapped backend said of a task."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WrappedPrediction:
    """version: of its model, as it names it, UNNAMED where it does not; result: regions as Label Studio has
    them, () for "nothing here", which is an answer, too; score: of the whole prediction, in [0, 1], None
    where it gives none; made: when, in seconds since 1970; about: `digest_of` the task's data that it was
    asked about, "" where that is not known."""

    task: int
    version: str
    result: tuple[dict[str, Any], ...]
    score: float | None
    made: float
    about: str = ""


UNNAMED = "unnamed"
"""The version of a model whose backend tells none."""


def digest_of(data: Any) -> str:
    """By which a task's data is known again, whatever the order of its fields."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
