"""How far the encoding of a project's texts is, and what is to be done when it is further."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from backend.jobs.keys import encoding_key
from backend.jobs.values import mended, number, text, whole
from backend.store.waiting import Shard


@dataclass(frozen=True)
class Progress:
    """done of so many texts are encoded; per_second: since it began, by all workers, None where that cannot
    be said yet; seconds_left: None as that."""

    encoder: str
    texts: int
    done: int
    per_second: float | None
    seconds_left: float | None

    def in_words(self) -> str:
        said = f"{self.done} of {self.texts} texts encoded by {self.encoder}"
        if self.per_second is None or self.seconds_left is None:
            return said
        return f"{said}, {self.per_second:.3g} a second, {self.seconds_left:.0f} s to go"


class EncodingProgress:
    """A Redis hash per project, there while texts wait. Nothing in it that may not be lost: what waits to be
    encoded are files."""

    def __init__(self, redis: Redis, project_id: int):
        self._redis = redis
        self._key = encoding_key(project_id)

    def new_tasks(self, encoder: str, shards: Sequence[Shard]) -> None:
        """Of some that came after the last order: they take their place as these are encoded."""
        if self.read() is None:
            texts = sum(shard.count for shard in shards)
            self.begun(encoder, texts, texts)
        mended(self._redis, self._key, lambda: self._redis.hset(self._key, "refill", 1))

    def begun(self, encoder: str, texts: int, left: int, ranked: int | None = None) -> None:
        """So many of the texts wait.

        ranked: by a retrain, how many texts its order was made of, or all of them where another encoder's
        order stays until this one's vectors are complete.
        """
        held = self._held()
        found: dict[Any, Any] = {"encoder": encoder, "texts": texts, "left": left}
        if text(held.get(b"encoder")) != encoder or whole(held.get(b"left")) < left:
            found |= {"began": self._now(), "left_then": left}
        found |= {} if ranked is None else {"ranked": ranked}
        mended(self._redis, self._key, lambda: self._redis.hset(self._key, mapping=found))

    def shard_done(self, left: int) -> tuple[bool, bool]:
        """So many texts wait still. Returns whether a retrain is due, for all is encoded or twice as much as
        the last order was made of, and whether a refill."""
        held = self._held()
        if b"texts" not in held:
            return False, False
        done, ranked = whole(held[b"texts"]) - left, whole(held.get(b"ranked"))
        retrain = b"ranked" in held and (left == 0 or done >= 2 * ranked)
        changed: dict[Any, Any] = {"left": left, **({"ranked": done} if retrain else {})}
        mended(self._redis, self._key, lambda: self._redis.hset(self._key, mapping=changed))
        return retrain, b"refill" in held

    def ended(self) -> None:
        self._redis.delete(self._key)

    def read(self) -> Progress | None:
        """None where no text waits."""
        held = self._held()
        texts, left = whole(held.get(b"texts")), whole(held.get(b"left"))
        if not left:
            return None
        encoded = whole(held.get(b"left_then")) - left
        seconds = self._now() - number(held.get(b"began"))
        rate = encoded / seconds if encoded > 0 and seconds > 0 else None
        name = text(held.get(b"encoder")) or ""
        return Progress(name, texts, max(texts - left, 0), rate, left / rate if rate else None)

    def _held(self) -> dict[bytes, Any]:
        held: dict[Any, Any] = mended(self._redis, self._key, lambda: self._redis.hgetall(self._key))
        return held

    def _now(self) -> float:
        seconds, microseconds = self._redis.time()
        return float(seconds + microseconds / 1e6)
