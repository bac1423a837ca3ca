"""What went wrong lately of a project's jobs, and whether it has worked since: in Redis, the last ones."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import NamedTuple

from redis import Redis

from backend.jobs.keys import failed_key, failing_key, worked_key
from backend.jobs.values import mended, text
from backend.store.kept_json import MALFORMED, finite

MOST = 50
SECONDS = 7 * 24 * 3600
LONGEST = 1000
"""Characters of a reason."""


class FailedJob(NamedTuple):
    """at: seconds since 1970; kind: the word that its id begins with; again: when one of this kind first
    ended well after it; lasts: none has. Neither where that is not known, as of what an earlier release
    noted."""

    at: float
    kind: str
    reason: str
    again: float | None = None
    lasts: bool = False


class FailedJobs:
    """Of one project."""

    def __init__(self, redis: Redis, project_id: int):
        self._redis = redis
        self._key = failed_key(project_id)
        self._worked = worked_key(project_id)
        self._failing = failing_key(project_id)

    def note(self, kind: str, reason: str) -> None:
        self._push(self._key, [time.time(), kind, reason[:LONGEST]])
        mended(self._redis, self._failing, lambda: self._redis.sadd(self._failing, kind))
        self._redis.expire(self._failing, SECONDS)

    def worked(self, kind: str) -> None:
        """A job of this kind ended well: those that failed before it are over."""
        if mended(self._redis, self._failing, lambda: self._redis.srem(self._failing, kind)):
            self._push(self._worked, [time.time(), kind])

    def last(self, most: int) -> list[FailedJob]:
        """The last first."""
        worked = [told for each in self._held(self._worked, MOST) if (told := _worked(each)) is not None]
        kinds = mended(self._redis, self._failing, lambda: self._redis.smembers(self._failing))
        failing = {text(each) for each in kinds}
        return [
            found._replace(again=again, lasts=again is None and found.kind in failing)
            for each in self._held(self._key, most)
            if (found := _failed(each)) is not None
            for again in [min(_after(found, worked), default=None)]
        ]

    def failing_since(self, kind: str) -> float | None:
        """When the first one failed after which none of this kind ended well; None where the last one did."""
        lasting = [each.at for each in self.last(MOST) if each.kind == kind and each.lasts]
        return min(lasting, default=None)

    def _push(self, key: str, told: list[object]) -> None:
        content = json.dumps(told)
        mended(self._redis, key, lambda: self._redis.lpush(key, content))
        self._redis.ltrim(key, 0, MOST - 1)
        self._redis.expire(key, SECONDS)

    def _held(self, key: str, most: int) -> list[bytes | str]:
        held: list[bytes | str] = mended(self._redis, key, lambda: self._redis.lrange(key, 0, most - 1))
        return held


def _after(failed: FailedJob, worked: list[tuple[float, str]]) -> Iterator[float]:
    return (at for at, kind in worked if kind == failed.kind and at >= failed.at)


def _failed(held: bytes | str) -> FailedJob | None:
    try:
        at, kind, reason = json.loads(held)
        return FailedJob(finite(at), str(kind), str(reason))
    except MALFORMED:
        return None


def _worked(held: bytes | str) -> tuple[float, str] | None:
    try:
        at, kind = json.loads(held)
        return finite(at), str(kind)
    except MALFORMED:
        return None
