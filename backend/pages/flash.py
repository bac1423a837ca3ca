"""What is said to a visitor once, on the next page they look at. In Redis: an address could be made up."""

from __future__ import annotations

from redis import Redis

from backend.jobs.state import digest
from backend.jobs.values import text
from backend.pages.visitor import Visitor

SECONDS = 60


class Flash:
    """Of one visitor."""

    def __init__(self, redis: Redis, visitor: Visitor):
        self._redis = redis
        self._key = f"atlas:page-said:{digest(visitor.session)}"

    def put(self, said: str) -> None:
        self._redis.set(self._key, said.encode("utf-8", "replace"), ex=SECONDS)

    def taken(self) -> str | None:
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.get(self._key)
            pipeline.delete(self._key)
            held, _ = pipeline.execute()
        return text(held)
