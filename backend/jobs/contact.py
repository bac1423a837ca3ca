"""When Label Studio last reached this backend for a project, and by which road. In Redis."""

from __future__ import annotations

import time

from redis import Redis

from backend.jobs.keys import contact_key
from backend.jobs.values import mended, number

REMEMBERED = 30 * 24 * 3600
"""Seconds."""


class Contact:
    """`kind` is "setup" (what Label Studio asks along a connection) or "webhook" (an authentic one)."""

    def __init__(self, redis: Redis, project_id: int):
        self._redis = redis
        self._key = contact_key(project_id)

    def note(self, kind: str, seconds: int = REMEMBERED) -> None:
        """To be remembered for so long."""
        mended(self._redis, self._key, lambda: self._redis.hset(self._key, kind, time.time()))
        self._redis.expire(self._key, seconds)

    def last(self, kind: str) -> float:
        """Unix time, 0 for never. Another value than before proves a contact in between."""
        return number(mended(self._redis, self._key, lambda: self._redis.hget(self._key, kind)))
