"""What is due when, by Redis's clock alone.

RQ tells that by the clock of whichever machine it runs on: jobs that one machine schedules would be late on
another by as much as their clocks differ, for a day if that is a day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from redis import Redis
from rq.registry import ScheduledJobRegistry
from rq.scheduler import RQScheduler


def due_in(redis: Redis, seconds: float) -> datetime:
    """The time so many seconds from now, in UTC."""
    return datetime.fromtimestamp(redis.time()[0] + seconds, timezone.utc)


class RedisClockRegistry(ScheduledJobRegistry):
    """Tells by Redis's clock which jobs are due."""

    def get_jobs_to_schedule(self, timestamp: int | None = None, chunk_size: int = 1000) -> list[str]:
        """timestamp: not looked at; the scheduler gives its own machine's."""
        return super().get_jobs_to_schedule(self.connection.time()[0], chunk_size)


class RedisClockScheduler(RQScheduler):
    """Puts jobs on their queues when they are due."""

    def prepare_registries(self, queue_names: Iterable[str] | None = None) -> None:
        self._scheduled_job_registries = [
            RedisClockRegistry(name, connection=self.connection, serializer=self.serializer)
            for name in queue_names or self.acquired_locks
        ]
