"""What is known of a project between jobs. In Redis, and nothing that cannot be lost.

Losing it costs at most a needless retrain: what is trained on always comes from Label Studio.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from redis import Redis

PROJECTS_KEY = "atlas:projects"


@dataclass(frozen=True)
class Noted:
    """unseen: changes that no retrain has seen yet; head_is_low: the published head wants a refill."""

    unseen: int
    head_is_low: bool


class ProjectState:
    """One Redis hash per project."""

    def __init__(self, redis: Redis, project_id: int):
        self._redis = redis
        self._key = f"atlas:project:{project_id}"
        self._id = project_id

    def note_changes(self, count: int) -> Noted:
        """Count changes that Label Studio told of. One round trip: a burst of webhooks waits for it."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.sadd(PROJECTS_KEY, self._id)
        pipeline.hincrby(self._key, "changes", count)
        pipeline.hset(self._key, "last_change", time.time())
        pipeline.hmget(self._key, "seen", "refill_at")
        _, changes, _, (seen, refill_at) = pipeline.execute()
        return Noted(changes - int(seen or 0), refill_at is not None and changes >= int(refill_at))

    @property
    def changes(self) -> int:
        return int(self._redis.hget(self._key, "changes") or 0)

    @property
    def unseen(self) -> int:
        """Changes that no retrain has seen yet."""
        changes, seen = self._redis.hmget(self._key, "changes", "seen")
        return int(changes or 0) - int(seen or 0)

    def retrained(self, changes: int) -> None:
        """A retrain that saw the first `changes` changes ended well."""
        fields: list[str | float] = ["seen", changes, "ended", time.time()]
        self._redis.hset(self._key, items=fields)

    def seconds_since_change(self) -> float:
        return time.time() - float(self._redis.hget(self._key, "last_change") or 0)

    def seconds_since_retrain(self) -> float:
        return time.time() - float(self._redis.hget(self._key, "ended") or 0)

    def owe(self, job: str) -> None:
        """A unique job is wanted. It settles that before it looks, so a wish that arrives while it runs,
        when its id is taken, is still there once it has ended."""
        self._redis.hset(self._key, f"owed:{job}", 1)

    def settle(self, job: str) -> None:
        self._redis.hdel(self._key, f"owed:{job}")

    def owes(self, job: str) -> bool:
        return bool(self._redis.hexists(self._key, f"owed:{job}"))

    def refill_after(self, annotations: int | None) -> None:
        """From now on the published head is low after so many annotations; None: nothing more to publish."""
        if annotations is None:
            self._redis.hdel(self._key, "refill_at")
        else:
            self._redis.hset(self._key, "refill_at", self.changes + annotations)

    @property
    def fingerprint(self) -> str | None:
        """What Label Studio's project looked like when reconcile last found nothing to do."""
        value = self._redis.hget(self._key, "fingerprint")
        return value.decode() if isinstance(value, bytes) else value

    @fingerprint.setter
    def fingerprint(self, value: str) -> None:
        self._redis.hset(self._key, "fingerprint", value)

    @property
    def held_by_label_studio(self) -> bool:
        """Whether the connection's `auto_update` was off when last looked at: no new version is published."""
        return bool(self._redis.hexists(self._key, "held"))

    @held_by_label_studio.setter
    def held_by_label_studio(self, value: bool) -> None:
        if value:
            self._redis.hset(self._key, "held", 1)
        else:
            self._redis.hdel(self._key, "held")

    @property
    def strategy_is_disputed(self) -> bool:
        """Whether the project's connections named different strategies when last looked at: then /setup,
        which does not say for which connection it is, is not to be believed."""
        return bool(self._redis.hexists(self._key, "disputed"))

    @strategy_is_disputed.setter
    def strategy_is_disputed(self, value: bool) -> None:
        if value:
            self._redis.hset(self._key, "disputed", 1)
        else:
            self._redis.hdel(self._key, "disputed")

    @property
    def strategy(self) -> str | None:
        """The query strategy that the project's connection names; None where it names none."""
        value = self._redis.hget(self._key, "strategy")
        return value.decode() if isinstance(value, bytes) else value

    @strategy.setter
    def strategy(self, value: str | None) -> None:
        if value is None:
            self._redis.hdel(self._key, "strategy")
        else:
            self._redis.hset(self._key, "strategy", value)

    def forget(self) -> None:
        """The project is gone, or hidden from us, or never was: no event needs to find it any more."""
        self._redis.srem(PROJECTS_KEY, self._id)
        self._redis.delete(self._key)

    @property
    def label_config(self) -> str | None:
        """The label config last trained with, to tell whether a project update means anything to us."""
        value = self._redis.hget(self._key, "label_config")
        return value.decode() if isinstance(value, bytes) else value

    @label_config.setter
    def label_config(self, value: str) -> None:
        self._redis.hset(self._key, "label_config", value)


def known_projects(redis: Redis) -> list[int]:
    return sorted(int(member) for member in redis.smembers(PROJECTS_KEY))
