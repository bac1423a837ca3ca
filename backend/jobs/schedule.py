"""What is due when, by Redis's clock alone.

RQ tells that by the clock of whichever machine it runs on: jobs that one machine schedules would be late on
another by as much as their clocks differ, for a day if that is a day.
"""

from __future__ import annotations

from collections.abc import Iterable

from rq import Queue
from rq.registry import ScheduledJobRegistry
from rq.scheduler import RQScheduler

from backend.jobs.job import AtlasJob


class RedisClockRegistry(ScheduledJobRegistry):
    """Tells by Redis's clock which jobs are due."""

    def get_jobs_to_schedule(self, timestamp: int | None = None, chunk_size: int = 1000) -> list[str]:
        """timestamp: not looked at; the scheduler gives its own machine's."""
        return super().get_jobs_to_schedule(self.connection.time()[0], chunk_size)


class RedisClockScheduler(RQScheduler):
    """Puts jobs on their queues when they are due; reads them as our workers do."""

    def prepare_registries(self, queue_names: Iterable[str] | None = None) -> None:
        self._scheduled_job_registries = [
            RedisClockRegistry(name, connection=self.connection, serializer=self.serializer)
            for name in queue_names or self.acquired_locks
        ]

    def enqueue_scheduled_jobs(self) -> None:
        """As RQ's, one job at a time, so that a record that cannot be read is in nobody's way."""
        self._status = self.Status.WORKING
        if not self._scheduled_job_registries and self._acquired_locks:
            self.prepare_registries()
        for registry in self._scheduled_job_registries:
            queue = Queue(
                registry.name, connection=self.connection, serializer=self.serializer, job_class=AtlasJob
            )
            for job_id in registry.get_jobs_to_schedule():
                self._enqueue(queue, registry, job_id)
        self._status = self.Status.STARTED

    def _enqueue(self, queue: Queue, registry: ScheduledJobRegistry, job_id: str) -> None:
        job = AtlasJob.read(job_id, self.connection)
        with self.connection.pipeline() as pipeline:
            if job is not None:
                queue._enqueue_job(job, pipeline=pipeline)
            registry.remove(job_id, pipeline=pipeline)
            pipeline.execute()
