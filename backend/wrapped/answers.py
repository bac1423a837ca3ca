"""A wrapped backend's answer to /predict, read with care: nothing in it is taken for granted.

What Label Studio would store without harm is read as it reads it; what would break its pages is left out, and
told in words.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import WrappedGarbage
from backend.wrapped.prediction import UNNAMED, WrappedPrediction

SHOWN = 200
"""Characters of an answer that an error shows."""
MAX_VERSION = 200
"""Characters of a version's name."""


@dataclass(frozen=True)
class Answer:
    """predictions: of each task, None where it says nothing of it; problems: what was wrong, in words, each
    once; miscounted: there are not as many results as tasks, so that nobody can tell which is whose: to be
    asked for one task at a time; version: named by the answer as a whole, None where it names none."""

    predictions: list[WrappedPrediction | None]
    problems: tuple[str, ...] = ()
    miscounted: bool = False
    version: str | None = None


def read_answer(body: bytes, tasks: Sequence[int], version: str | None, made: float) -> Answer:
    """tasks: that were asked about, by id; version: of its model as it last said, for results that name none;
    made: when it was asked, in seconds since 1970.

    Raises WrappedGarbage for what has no results in it.
    """
    parsed = _parsed(body)
    named = version_in(parsed.get("model_version")) if isinstance(parsed, dict) else None
    results = parsed.get("results", _MISSING) if isinstance(parsed, dict) else parsed
    if isinstance(results, dict) and not results:
        results = []  # as Label Studio takes it, for "none"
    if not isinstance(results, list):
        raise WrappedGarbage(f'a list "results" was expected, not {_shown(body)}')
    if len(results) == 1 and isinstance(results[0], list) and len(results[0]) == len(tasks) > 1:
        results = results[0]
    if len(results) != len(tasks):
        return _miscounted(results, tasks, named)
    reader = _Reader(named or version or UNNAMED, made)
    predictions = [reader.prediction(task, item) for task, item in zip(tasks, results, strict=True)]
    return Answer(predictions, tuple(reader.problems), version=named)


def prediction_in(item: Any, task: int, made: float) -> WrappedPrediction | None:
    """Of one that Label Studio has stored; None for what is none."""
    return _Reader(UNNAMED, made).prediction(task, item)


def version_in(value: Any) -> str | None:
    """A model version as Label Studio takes it: numbers and objects as text; None for none."""
    if value is None or value == "":
        return None
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text[:MAX_VERSION]


def _miscounted(results: list[Any], tasks: Sequence[int], named: str | None) -> Answer:
    if not results:  # Label Studio's "no predictions"
        return Answer([None] * len(tasks), version=named)
    problem = f"{len(results)} results for {len(tasks)} tasks"
    return Answer([None] * len(tasks), (problem,), miscounted=True, version=named)


class _Reader:
    """Of one answer's items."""

    def __init__(self, version: str, made: float):
        self._version = version
        self._made = made
        self.problems: dict[str, None] = {}

    def prediction(self, task: int, item: Any) -> WrappedPrediction | None:
        """Of several for one task the first that can be read, as annotators see it."""
        if isinstance(item, list):
            found = (self.prediction(task, each) for each in item if isinstance(each, dict))
            return next((each for each in found if each is not None), None)
        if item is None:
            return None
        if not isinstance(item, dict):
            self._note("a result that is no object")
            return None
        regions = item.get("result")
        if not isinstance(regions, list):
            if regions is not None:
                self._note("a result whose regions are no list")
            return None
        kept = tuple(region for each in regions if (region := self._region(each)) is not None)
        if regions and not kept:  # it meant to say something: that is not "nothing here"
            return None
        version = version_in(item.get("model_version")) or self._version
        return WrappedPrediction(task, version, kept, self._score(item), self._made)

    def _region(self, region: Any) -> dict[str, Any] | None:
        if not isinstance(region, dict):
            self._note("a region that is no object")
            return None
        if "value" not in region and region.get("type") == "relation":
            return region
        texts = (region.get(name) for name in ("from_name", "to_name", "type"))
        if not all(isinstance(each, str) for each in texts) or not isinstance(region.get("value"), dict):
            self._note("a region without from_name, to_name, type and value")
            return None
        if "score" not in region:
            return region
        score, rest = self._score(region), {name: each for name, each in region.items() if name != "score"}
        return rest if score is None else {**rest, "score": score}

    def _score(self, item: dict[str, Any]) -> float | None:
        given = item.get("score")
        if given is None:
            return None
        try:
            score = float(given) if isinstance(given, (int, float, str)) else math.nan
        except (ValueError, OverflowError):
            score = math.nan
        if 0 <= score <= 1:
            return score
        self._note("a score that is no number from 0 to 1")
        return None

    def _note(self, what: str) -> None:
        self.problems[what] = None


_MISSING = object()


def _parsed(body: bytes) -> Any:
    try:
        return finite_json(body)
    except (ValueError, RecursionError) as error:
        raise WrappedGarbage(f"JSON was expected, not {_shown(body)}") from error


def finite_json(body: bytes) -> Any:
    """Without NaN, infinities and endless integers, which Label Studio cannot store, and no float can hold.

    Raises ValueError or RecursionError for what is no JSON.
    """
    return json.loads(body, parse_constant=lambda name: None, parse_float=_finite, parse_int=_integer)


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _integer(digits: str) -> int | float | None:
    """None beyond what a float can hold; nobody means so many digits."""
    return int(digits) if len(digits) <= 308 else None


def _shown(body: bytes) -> str:
    if not body:
        return "an empty answer"
    text = body[:SHOWN].decode("utf-8", "replace")
    return " ".join(text.split()) + ("..." if len(body) > SHOWN else "")
