"""When is what enqueued: at most one waiting retrain per project, and none lost.

A retrain's job id is `retrain-<project>` and unique, so however many events ask for one, one waits.
While it runs, its id is taken: events only count up, and the worker looks at the count once the job
has ended (see `worker.py`), so what landed meanwhile causes exactly one more.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from redis import Redis, WatchError
from rq import Queue, Retry
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from backend.jobs.state import ProjectState
from backend.settings import Settings

logger = logging.getLogger(__name__)

QUEUE_NAME = "atlas"
RETRAIN = "backend.jobs.retrain.retrain"
FLUSH = "backend.jobs.housekeeping.flush"
CLEAR = "backend.jobs.housekeeping.clear_old_versions"
FAILURE = "failure"
"""Where in a job's meta the reason of its last failed attempt stands."""
RESULT_TTL = 24 * 3600
"""Seconds a retrain's outcome stays readable in RQ."""
RETRY_SECONDS = [5, 30, 120]
"""Waits before a failed retrain is tried again: a restart of Label Studio, then an outage."""
_ENDED = {JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED}


class Dispatcher:
    """Puts work on the queue. Cheap to make, safe to share between threads."""

    def __init__(self, redis: Redis, settings: Settings):
        self.redis = redis
        self._settings = settings
        self.queue = Queue(QUEUE_NAME, connection=redis, serializer=JSONSerializer)

    @classmethod
    def from_settings(cls, settings: Settings) -> Dispatcher:
        return cls(Redis.from_url(settings.redis_url), settings)

    def state(self, project_id: int) -> ProjectState:
        return ProjectState(self.redis, project_id)

    def changed(self, project_id: int, count: int = 1) -> None:
        """Annotations changed: retrain at RETRAIN_EVERY of them, or RETRAIN_WITHIN seconds from now."""
        if self.state(project_id).note_changes(count) >= self._settings.retrain_every:
            self.request_retrain(project_id)
        else:
            self._enqueue_unique(FLUSH, f"flush-{project_id}", project_id, self._settings.retrain_within)

    def request_retrain(self, project_id: int) -> str:
        """One retrain of the project, as soon as the rest after the last one is over; returns its job id."""
        job_id = f"retrain-{project_id}"
        rest = self._settings.retrain_pause - self.state(project_id).seconds_since_retrain()
        self._enqueue_unique(
            RETRAIN,
            job_id,
            project_id,
            rest,
            job_timeout=self._settings.job_timeout,
            result_ttl=RESULT_TTL,
            failure_ttl=RESULT_TTL,
            retry=Retry(max=len(RETRY_SECONDS), interval=RETRY_SECONDS),
        )
        return job_id

    def request_clearing(self, project_id: int) -> None:
        """Old predictions go once nobody has annotated for CLEAR_AFTER seconds."""
        self.state(project_id).has_stale_predictions = True
        self._enqueue_unique(CLEAR, f"clear-{project_id}", project_id, self._settings.clear_after)

    def _enqueue_unique(
        self, function: str, job_id: str, project_id: int, seconds: float, **options: Any
    ) -> None:
        """Enqueue after so many seconds, unless a job of this id waits or runs; one that ended makes room."""
        options = {"args": (project_id,), "job_id": job_id, "unique": True, "result_ttl": 0, **options}
        for _ in range(2):
            try:
                if seconds > 0:
                    self.queue.enqueue_in(timedelta(seconds=seconds), function, **options)
                else:
                    self.queue.enqueue(function, **options)
                return
            except DuplicateJobError:
                if not self._remove_ended(job_id):
                    return

    def _remove_ended(self, job_id: str) -> bool:
        """Delete the job if it has ended, so that its id is free; False when it waits or runs."""
        with self.redis.pipeline() as pipeline:
            try:
                pipeline.watch(Job.key_for(job_id))
                job = Job.fetch(job_id, connection=self.redis, serializer=JSONSerializer)
                if job.get_status() not in _ENDED:
                    return False
                pipeline.multi()
                job.delete(pipeline=pipeline)
                pipeline.execute()
                return True
            except NoSuchJobError:
                return True
            except WatchError:  # it changed under our eyes: look again
                return self._remove_ended(job_id)
