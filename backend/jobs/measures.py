"""What jobs have done, counted in Redis: from any number of machines, and of processes that live for one
job only. The web server's /metrics reads it. Nothing here that may not be lost."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from redis import Redis

from backend.jobs.state import PROJECTS_KEY, ProjectState

OUTCOMES = ("published", "kept", "nothing", "failed")
"""Of a retrain: a version that serves; one that is only kept; nothing to learn; an error, also when the
retrain is tried again."""
STAGES = ("pull", "encode", "train", "rank", "save", "import", "switch")
Numbers = dict[Any, Any]
_SEPARATOR = " "


class Measures:
    """One Redis hash of counters over all projects, one of the last retrain's numbers per project."""

    COUNTERS = "atlas:measures"

    def __init__(self, redis: Redis):
        self._redis = redis

    def retrained(self, project_id: int, result: Mapping[str, Any]) -> None:
        """Count a retrain that ended well, by its result."""
        version = result.get("model_version")
        outcome = "published" if result.get("published") else "kept" if version else "nothing"
        with self._redis.pipeline() as pipeline:
            self._count(pipeline, "retrains", project_id, outcome)
            for stage, seconds in result.get("seconds", {}).items():
                self._count(pipeline, "seconds", project_id, stage, seconds)
                self._count(pipeline, "times", project_id, stage)
            if version:
                told: Numbers = {
                    "labels": result["trained_on"],
                    "tasks": result["tasks"],
                    "waiting": result["waiting"],
                }
                for name in ("accuracy", "estimated_accuracy"):
                    if result.get(name) is None:  # there was one, of an older version
                        pipeline.hdel(self._key(project_id), name)
                    else:
                        told[name] = result[name]
                pipeline.hset(self._key(project_id), mapping=told)
                # Else nobody would ask for these before the first event of the project.
                pipeline.sadd(PROJECTS_KEY, project_id)
            pipeline.execute()
        if outcome == "published":
            self.head_filled(project_id, result["head"], published=True)

    def failed(self, project_id: int) -> None:
        """Count a retrain that ended with an error, or was killed."""
        self._count(self._redis, "retrains", project_id, "failed")

    def head_filled(self, project_id: int, tasks: int, *, published: bool = False) -> None:
        """So many tasks of the published head nobody has touched. published: their order is new."""
        told: Numbers = {"head": tasks, "head_at": ProjectState(self._redis, project_id).changes}
        if published:
            told["published_at"] = int(time.time())
        self._redis.hset(self._key(project_id), mapping=told)

    def counters(self) -> dict[str, dict[tuple[int, str], float]]:
        """By kind ("retrains", "seconds", "times"), then by project and outcome or stage."""
        found: dict[str, dict[tuple[int, str], float]] = {}
        for field, value in self._redis.hgetall(self.COUNTERS).items():
            kind, project, what = _text(field).split(_SEPARATOR)
            found.setdefault(kind, {})[int(project), what] = float(value)
        return found

    def of(self, project_id: int) -> dict[str, float]:
        """The numbers of the last retrain and of the head."""
        told = self._redis.hgetall(self._key(project_id))
        return {_text(name): float(value) for name, value in told.items()}

    def _count(self, redis: Any, kind: str, project_id: int, what: str, by: float = 1) -> None:
        redis.hincrbyfloat(self.COUNTERS, _SEPARATOR.join((kind, str(project_id), what)), by)

    def _key(self, project_id: int) -> str:
        return f"atlas:measures:{project_id}"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
