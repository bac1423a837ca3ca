"""The queues in Redis, onto which a job goes once, whoever asks for it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from redis import Redis, WatchError
from rq import Queue, Retry
from rq.exceptions import DuplicateJobError, InvalidJobOperation
from rq.job import JobStatus
from rq.serializers import JSONSerializer

from backend.jobs.clock import due_in
from backend.jobs.job import AtlasJob
from backend.jobs.kinds import ENCODING_QUEUE, QUEUE_NAME, TUNING_QUEUE, UPKEEP_QUEUE
from backend.jobs.lost import forget_dead_executions
from backend.jobs.state import ENDED, waits_or_runs
from backend.jobs.values import mended
from backend.settings import Settings

RESULT_TTL = 24 * 3600
"""Seconds a job's outcome stays readable in RQ."""
RETRY_GROWTH = (1, 6, 24)
"""Waits before a failed job is tried again, in RETRY_AFTER seconds: a restart of Label Studio, an outage."""
RETRIES = len(RETRY_GROWTH)
REMEMBERED = {"result_ttl": RESULT_TTL, "failure_ttl": RESULT_TTL}


class Queues:
    """Cheap to make, safe to share between threads."""

    def __init__(self, redis: Redis, settings: Settings):
        self.redis = redis
        self._settings = settings
        self.queue, self.upkeep, self.encoding, self.tuning = (
            Queue(name, connection=redis, serializer=JSONSerializer, job_class=AtlasJob)
            for name in (QUEUE_NAME, UPKEEP_QUEUE, ENCODING_QUEUE, TUNING_QUEUE)
        )

    def _retried(self) -> dict[str, Any]:
        waits = [self._settings.retry_after * growth for growth in RETRY_GROWTH]
        return {"retry": Retry(max=len(waits), interval=waits), **REMEMBERED}

    def _enqueue_unique(
        self, queue: Queue, function: str, job_id: str, seconds: float, *args: int | str, **options: Any
    ) -> None:
        """Enqueue after so many seconds, unless a job of this id waits or runs; one that ended makes room."""
        options = {"args": args, "job_id": job_id, "unique": True, "result_ttl": 0, **options}
        if self._is_under_way(job_id):  # told in one round trip, where RQ takes six: bursts end here
            return
        for _ in range(2):
            try:
                if seconds > 0:
                    queue.enqueue_at(due_in(self.redis, seconds), function, **options)
                else:
                    queue.enqueue(function, **options)
                return
            except DuplicateJobError:
                if not self._remove(job_id):
                    return

    def _is_under_way(self, job_id: str) -> bool:
        """Whether a job waits or runs."""
        key = AtlasJob.key_for(job_id)
        return waits_or_runs(mended(self.redis, key, lambda: self.redis.hget(key, "status")))

    def _remove(self, job_id: str, states: AbstractSet[JobStatus] = ENDED) -> bool:
        """Delete the job if it has ended, or is in one of `states`, so that its id is free; False if not."""
        with self.redis.pipeline() as pipeline:
            try:
                pipeline.watch(AtlasJob.key_for(job_id))
                job = AtlasJob.read(job_id, self.redis)
                if job is None:
                    return True
                if job.get_status() not in states:
                    return False
                forget_dead_executions(job)
                pipeline.multi()
                job.delete(pipeline=pipeline)
                pipeline.execute()
                return True
            except InvalidJobOperation:  # deleted while RQ looks at it
                return True
            except WatchError:  # it changed under our eyes: look again
                return self._remove(job_id, states)
