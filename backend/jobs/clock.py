"""Redis's clock: web servers and workers may be on machines whose own clocks differ."""

from __future__ import annotations

from datetime import datetime, timezone

from redis import Redis


def due_in(redis: Redis, seconds: float) -> datetime:
    """The time so many seconds from now, in UTC."""
    return datetime.fromtimestamp(redis.time()[0] + seconds, timezone.utc)


def now_of(redis: Redis) -> datetime:
    """In UTC."""
    seconds, microseconds = redis.time()
    return datetime.fromtimestamp(seconds + microseconds / 1e6, timezone.utc)
