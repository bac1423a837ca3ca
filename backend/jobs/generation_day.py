"""How many texts a model was asked for today, in all projects: a bound on what it costs."""

from __future__ import annotations

from redis import Redis

from backend.errors import DayIsSpent
from backend.jobs.keys import generation_key
from backend.jobs.values import whole

DAY = 86_400
"""Seconds."""


class GenerationDay:
    """By Redis's clock, in UTC, and kept in Redis: a restart begins no new day. most: texts of a day."""

    def __init__(self, redis: Redis, most: int):
        self._redis = redis
        self.most = most

    def take(self) -> None:
        """Before a text is sent. Raises DayIsSpent, with the seconds that are left of the day."""
        day, left = self._today()
        with self._redis.pipeline() as pipe:
            pipe.incr(generation_key(day))
            pipe.expire(generation_key(day), 2 * DAY)
            taken = pipe.execute()[0]
        if taken > self.most:
            self._redis.decr(generation_key(day))
            raise DayIsSpent(
                f"today's {self.most} texts are used up, the others follow from 00:00 UTC on",
                "Raise GENERATION_PER_DAY, or wait; the order goes on without them.",
                rest=left,
                failure="spent",
            )

    @property
    def taken(self) -> int:
        """Texts so far today."""
        return whole(self._redis.get(generation_key(self._today()[0])))

    def _today(self) -> tuple[int, float]:
        """The day's number since 1970, and how many seconds are left of it."""
        seconds, _ = self._redis.time()
        return seconds // DAY, float(DAY - seconds % DAY)
