"""Which installation a backend belongs to: all of its parts share one Redis, and this number in it."""

from __future__ import annotations

import secrets

from redis import Redis

from backend.jobs.keys import INSTALLATION_KEY
from backend.jobs.values import mended, text


def installation_id(redis: Redis) -> str | None:
    """Random, made by whoever asks first, and new where Redis has lost it. Raises RedisError."""

    def kept() -> str | None:
        redis.set(INSTALLATION_KEY, secrets.token_hex(8), nx=True)
        return text(redis.get(INSTALLATION_KEY))

    return mended(redis, INSTALLATION_KEY, kept)
