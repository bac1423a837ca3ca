"""What jobs have done, counted in Redis: from any number of machines, and of processes that live for one
job only. The web server's /metrics reads it. Nothing here that may not be lost."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from redis import Redis, ResponseError

from backend.jobs.keys import COUNTERS_KEY, PROJECTS_KEY, counter, measures_key
from backend.jobs.state import ProjectState, is_known
from backend.jobs.values import mended, number, text

Numbers = dict[Any, Any]
_FIELD = re.compile("(retrains|seconds|times|wrapped|wrapped_seconds) ([1-9][0-9]{0,17}) ([a-z_]+)")


class Measures:
    """One Redis hash of counters over all projects, one of the last retrain's numbers per project."""

    def __init__(self, redis: Redis):
        self._redis = redis

    def retrained(self, project_id: int, result: Mapping[str, Any]) -> None:
        """Count a retrain that ended well, by its result."""
        version = result.get("model_version")
        outcome = "published" if result.get("published") else "kept" if version else "nothing"
        if version:  # else nobody would ask for its measures before its first event
            mended(self._redis, PROJECTS_KEY, lambda: self._redis.sadd(PROJECTS_KEY, project_id))
        if not is_known(self._redis, project_id):
            return
        self._count("retrains", project_id, outcome)
        for stage, seconds in result.get("seconds", {}).items():
            self._count("seconds", project_id, stage, seconds)
            self._count("times", project_id, stage)
        if version:
            names = {"labels": "trained_on", "tasks": "tasks", "waiting": "waiting"}
            names |= {"accuracy": "accuracy", "estimated_accuracy": "estimated_accuracy"}
            names |= {"domain_auc": "domain_auc", "unlike": "domain_unlike"}
            found = {name: result.get(key) for name, key in names.items()}
            found |= _estimated(result.get("estimate") or {})
            found["measured"] = next(iter((result.get("measured") or {}).values()), None)
            found["new_kind"] = float(result.get("new_kind") is not None)
            self._note(project_id, found)
        if outcome == "published":
            self.head_filled(project_id, result["head"], published=True)

    def failed(self, project_id: int) -> None:
        """Count a retrain that ended with an error, or was killed."""
        if is_known(self._redis, project_id):
            self._count("retrains", project_id, "failed")

    def asked_wrapped(self, project_id: int, seconds: float, outcome: str) -> None:
        """Count a request to the ML backend that the project wraps. outcome: one of WRAPPED_OUTCOMES."""
        if is_known(self._redis, project_id):
            self._count("wrapped", project_id, outcome)
            self._count("wrapped_seconds", project_id, "all", seconds)

    def head_filled(self, project_id: int, tasks: int, *, published: bool = False) -> None:
        """So many tasks of the published head nobody has touched. published: their order is new."""
        found: Numbers = {"head": tasks, "head_at": ProjectState(self._redis, project_id).changes}
        if published:
            found["published_at"] = self._redis.time()[0]
        self._note(project_id, found)

    def counters(self) -> dict[str, dict[tuple[int, str], float]]:
        """By kind ("retrains", "seconds", "times", "wrapped", "wrapped_seconds"), then by project and outcome
        or stage."""
        found: dict[str, dict[tuple[int, str], float]] = {}
        held = mended(self._redis, COUNTERS_KEY, lambda: self._redis.hgetall(COUNTERS_KEY))
        for field, value in held.items():
            named = _FIELD.fullmatch(text(field) or "")
            if named is not None:
                kind, project, what = named.groups()
                found.setdefault(kind, {})[int(project), what] = number(value)
        return found

    def of(self, project_id: int) -> dict[str, float]:
        """The numbers of the last retrain and of the head."""
        return self.of_each([project_id])[0]

    def of_each(self, project_ids: Sequence[int]) -> list[dict[str, float]]:
        """As `of`, in one round trip."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for project_id in project_ids:
                pipeline.hgetall(measures_key(project_id))
            return [_numbers(held) for held in pipeline.execute(raise_on_error=False)]

    def _note(self, project_id: int, numbers: Mapping[str, float | None]) -> None:
        """None: there was one, of an older version."""
        key = measures_key(project_id)
        kept: Any = {name: value for name, value in numbers.items() if value is not None}
        gone = [name for name, value in numbers.items() if value is None]
        mended(self._redis, key, lambda: self._redis.hset(key, mapping=kept))
        if gone:
            self._redis.hdel(key, *gone)

    def _count(self, kind: str, project_id: int, what: str, by: float = 1) -> None:
        field = counter(kind, project_id, what)
        try:
            self._add(field, by)
        except ResponseError:  # what was counted is no number
            self._redis.hdel(COUNTERS_KEY, field)
            self._add(field, by)

    def _add(self, field: str, by: float) -> None:
        mended(self._redis, COUNTERS_KEY, lambda: self._redis.hincrbyfloat(COUNTERS_KEY, field, by))


def _estimated(estimate: Mapping[str, Any]) -> Numbers:
    """None of what is not told."""
    found: Numbers = {"audited": estimate.get("audited")}
    for name in ("accuracy", "f1_macro", "agreement"):
        interval = estimate.get(name) or {}
        found |= {f"pool_{name}": interval.get("value")}
        found |= {f"pool_{name}_{end}": interval.get(end) for end in ("low", "high")}
    return found


def _numbers(held: object) -> dict[str, float]:
    """Of a hash, or of an error where there is something else."""
    read = {text(name): number(value, math.nan) for name, value in _items(held)}
    return {name: value for name, value in read.items() if name is not None and not math.isnan(value)}


def _items(held: object) -> Iterable[tuple[object, object]]:
    return held.items() if isinstance(held, dict) else ()
