"""From several annotators' boxes to those that most of them drew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from backend.controls.matching import SAME, overlap

Place = tuple[float, float, float, float]
Drawn = tuple[Place, str | None]
"""A box: x, y, width, height; and its label, None where it is not known what is there."""


def agreed(votes: Sequence[tuple[Sequence[Drawn], float]]) -> Iterator[Drawn]:
    """Each object that somebody drew: its place, the average of those who drew it by their weight, and its
    label, None where no more than half of the weight drew it.

    votes: each annotator's boxes, with what their word weighs.
    """
    drawn = [(box, who, weight) for who, (boxes, weight) in enumerate(votes) for box in boxes]
    whole = sum(weight for _, weight in votes)
    left = np.ones(len(drawn), bool)
    places = np.array([place for (place, _), _, _ in drawn], np.float64).reshape(-1, 4)
    over = overlap(places, places)
    labels = [label for (_, label), _, _ in drawn]
    over *= np.array([[one == other for other in labels] for one in labels], bool).reshape(over.shape)
    weights = np.array([weight for _, _, weight in drawn])
    for first in np.argsort(-(over * (over >= SAME)).sum(1), kind="stable"):  # most agreed with first
        if not left[first]:
            continue
        group = _group(over[first] * left, [who for _, who, _ in drawn])
        left[group] = False
        share = float(weights[group].sum()) / whole if whole else 0.0
        x, y, width, height = np.average(places[group], axis=0, weights=weights[group] + 1e-9).tolist()
        yield (x, y, width, height), labels[int(first)] if share > 0.5 else None


def _group(over: NDArray[np.float64], who: Sequence[int]) -> list[int]:
    """Of each annotator the box that overlaps most, if by SAME at least."""
    best: dict[int, int] = {}
    for i in np.flatnonzero(over >= SAME).tolist():
        if who[i] not in best or over[i] > over[best[who[i]]]:
            best[who[i]] = i
    return list(best.values())
