"""What a prediction says of itself, as numbers: how much it found, of what, and how sure it is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from backend.wrapped.prediction import WrappedPrediction

Floats = npt.NDArray[np.float32]
BUCKETS = 16
"""Of labels, by their hash: which of them a prediction names, whatever and how many a config has."""
WIDTH = 8 + BUCKETS


class Numbers(NamedTuple):
    """Of n predictions. said: float32 [n, WIDTH], a row of NaN where there is no prediction; sure: float32
    [n], how sure it is of it all, in [0, 1], NaN where it does not say."""

    said: Floats
    sure: Floats

    @property
    def has(self) -> npt.NDArray[np.bool_]:
        """Which there is a prediction of, bool [n]."""
        return ~np.isnan(self.said[:, 0])


def numbers_of(tasks: Sequence[int], predictions: Iterable[WrappedPrediction]) -> Numbers:
    """Of each task, by id, its prediction's. predictions: of some of the tasks, in any order; one is in
    memory at a time."""
    said = np.full((len(tasks), WIDTH), np.nan, np.float32)
    sure = np.full(len(tasks), np.nan, np.float32)
    place = {task: row for row, task in enumerate(tasks)}
    for prediction in predictions:
        row = place[prediction.task]
        said[row], sure[row] = _numbers(prediction)
    return Numbers(said, sure)


def _numbers(prediction: WrappedPrediction) -> tuple[list[float], float]:
    """Of regions their number, how many different labels they have, the mean, the lowest and the spread of
    their scores, and whether these are there; whether there is any region; the whole's score; and what share
    of the regions' labels fall into each bucket."""
    scores = [score for region in prediction.result if (score := _score(region)) is not None]
    labels = Counter(label for region in prediction.result for label in _labels(region))
    mean = sum(scores) / len(scores) if scores else 0.0
    whole = prediction.score
    shares = [0.0] * BUCKETS
    for label, count in labels.items():
        shares[_bucket(label)] += count / labels.total()
    told = [
        math.log1p(len(prediction.result)),
        math.log1p(len(labels)),
        mean,
        min(scores, default=0.0),
        max(scores, default=0.0) - min(scores, default=0.0),
        float(bool(scores)),
        float(not prediction.result),
        0.0 if whole is None else whole,
    ]
    sure = mean if scores else math.nan if whole is None else whole
    return [*told, *shares], sure


def _score(region: dict[str, Any]) -> float | None:
    """In [0, 1]; None for none, and for one that is anything else."""
    found = region.get("score")
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 1:
        return None
    return float(found)


def _labels(region: dict[str, Any]) -> Iterator[str]:
    """What a region of any kind names: lists of texts in its value, such as its choices or its labels."""
    value = region.get("value")
    for name, held in value.items() if isinstance(value, dict) else ():
        if isinstance(held, list) and name != "text":
            yield from (each for each in held if isinstance(each, str))


def _bucket(label: str) -> int:
    return blake2b(label.encode("utf-8", "replace"), digest_size=1).digest()[0] % BUCKETS
