"""A part of the labelled texts held out to measure on."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence

from backend.errors import AtlasError

Row = tuple[str, str]
"""A text and its label."""


def hold_out(rows: Sequence[Row], share: float, limit: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Split into a pool and a held-out part with about `share`, or `limit` texts, of each class.

    Every class with two texts or more has one in each part; a single text goes into the pool.
    Raises AtlasError when fewer than two classes have two texts.
    """
    per_class = Counter(label for _, label in rows)
    if sum(count > 1 for count in per_class.values()) < 2:
        raise AtlasError("the data needs at least two classes with two texts each")
    share = min(share, limit / len(rows))
    wanted = {label: min(math.ceil(share * count), count - 1) for label, count in per_class.items()}
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    pool: list[Row] = []
    held_out: list[Row] = []
    for row in shuffled:
        part = held_out if wanted[row[1]] > 0 else pool
        wanted[row[1]] -= 1
        part.append(row)
    return pool, held_out
