"""What is known of a project between jobs. In Redis, and nothing that cannot be lost.

Losing it costs at most a needless retrain: what is trained on always comes from Label Studio.
"""

from __future__ import annotations

import time

from redis import Redis

PROJECTS_KEY = "atlas:projects"


class ProjectState:
    """One Redis hash per project."""

    def __init__(self, redis: Redis, project_id: int):
        self._redis = redis
        self._key = f"atlas:project:{project_id}"
        self._id = project_id

    def note_changes(self, count: int) -> int:
        """Count changes that Label Studio told of; returns how many no retrain has seen yet."""
        pipeline = self._redis.pipeline()
        pipeline.sadd(PROJECTS_KEY, self._id)
        pipeline.hincrby(self._key, "changes", count)
        pipeline.hset(self._key, "last_change", time.time())
        pipeline.hget(self._key, "seen")
        _, changes, _, seen = pipeline.execute()
        return int(changes) - int(seen or 0)

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

    @property
    def has_stale_predictions(self) -> bool:
        """Whether a publication has left predictions behind that are still to be cleared."""
        return bool(self._redis.hexists(self._key, "stale"))

    @has_stale_predictions.setter
    def has_stale_predictions(self, value: bool) -> None:
        if value:
            self._redis.hset(self._key, "stale", 1)
        else:
            self._redis.hdel(self._key, "stale")

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
