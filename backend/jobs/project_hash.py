"""The Redis hash that a project has, read with care."""

from __future__ import annotations

from redis import Redis

from backend.jobs.keys import state_key
from backend.jobs.values import Held, mended, text

NEVER = 2**62
"""More changes than there will ever be."""


class ProjectHash:
    """Fields by name; what is of another kind is not there."""

    def __init__(self, redis: Redis, project_id: int):
        self._redis = redis
        self._key = state_key(project_id)
        self._id = project_id

    @property
    def redis(self) -> Redis:
        return self._redis

    @property
    def id(self) -> int:
        """The project's."""
        return self._id

    def _text(self, field: str) -> str | None:
        return text(self._get(field))

    def _flag(self, field: str) -> bool:
        return self._get(field) is not None

    def _get(self, field: str) -> Held:
        return self._get_many(field)[0]

    def _get_many(self, *fields: str) -> list[Held]:
        return mended(self._redis, self._key, lambda: self._redis.hmget(self._key, fields))

    def _set(self, field: str, value: str | None) -> None:
        """None removes it."""
        if value is None:
            mended(self._redis, self._key, lambda: self._redis.hdel(self._key, field))
        else:
            mended(self._redis, self._key, lambda: self._redis.hset(self._key, field, value))
