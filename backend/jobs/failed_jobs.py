"""What went wrong lately of a project's jobs, for people: in Redis, the last ones."""

from __future__ import annotations

import json
import time
from typing import NamedTuple

from redis import Redis

from backend.jobs.keys import failed_key
from backend.jobs.values import mended
from backend.store.kept_json import UNREADABLE, finite

MOST = 50
SECONDS = 7 * 24 * 3600
LONGEST = 1000
"""Characters of a reason."""


class FailedJob(NamedTuple):
    """at: seconds since 1970; kind: the word that its id begins with."""

    at: float
    kind: str
    reason: str


class FailedJobs:
    """Of one project."""

    def __init__(self, redis: Redis, project_id: int):
        self._redis = redis
        self._key = failed_key(project_id)

    def note(self, kind: str, reason: str) -> None:
        told = json.dumps([time.time(), kind, reason[:LONGEST]])
        mended(self._redis, self._key, lambda: self._redis.lpush(self._key, told))
        self._redis.ltrim(self._key, 0, MOST - 1)
        self._redis.expire(self._key, SECONDS)

    def last(self, most: int) -> list[FailedJob]:
        """The last first."""
        held = mended(self._redis, self._key, lambda: self._redis.lrange(self._key, 0, most - 1))
        return [found for each in held if (found := _read(each)) is not None]


def _read(held: bytes | str) -> FailedJob | None:
    try:
        at, kind, reason = json.loads(held)
        return FailedJob(finite(at), str(kind), str(reason))
    except UNREADABLE:
        return None
