"""How alike two texts are: by the letters that one must change to make the other of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LONGEST = 1000
"""Characters of a text that are compared: what stands behind has no say."""


def similarity(one: str, other: str) -> float:
    """In [0, 1], symmetric: 1 less the Levenshtein distance (1966) over the longer text's length; 1 where the
    texts are equal alone."""
    if one == other:
        return 1.0
    a, b = (np.array([ord(each) for each in text[:LONGEST]], np.int64) for text in (one, other))
    distance = max(_distance(a, b), 1)  # equal as far as they are compared
    return 1 - distance / max(len(a), len(b), 1)


def _distance(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> int:
    """Row by row of the table of Wagner & Fischer (1974); insertions along a row at once, by a running
    minimum."""
    columns = np.arange(len(b) + 1)
    row = columns.copy()
    for i, letter in enumerate(a.tolist(), 1):
        changed = row[:-1] + (b != letter)
        best = np.minimum(row[1:] + 1, changed)
        row = np.minimum.accumulate(np.concatenate([[i], best]) - columns) + columns
    return int(row[-1])
