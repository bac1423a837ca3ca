"""The RQ worker."""

from __future__ import annotations

import logging
from typing import Any

import torch._dynamo  # noqa: F401
from redis import Redis
from rq import Worker
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

# Imported once here, not in every forked job: torch, and what its optimizers import when first used (2 s).
import backend.jobs.retrain  # noqa: F401
from backend.jobs.dispatch import CLEAR, FAILURE, FLUSH, RETRAIN, Dispatcher
from backend.settings import Settings

logger = logging.getLogger(__name__)

WORKER_TTL = 60
"""Seconds; an idle worker gives a sign of life 15 s before they are over."""


class AtlasWorker(Worker):
    """A worker that looks, after each job, whether it has to be done once more."""

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Runs in the forked process of the job.

        The look comes after RQ has marked the job as ended and not as the job's last step: an event
        between such a step and the mark would find the id taken, and nobody would look again.
        """
        done = super().perform_job(job, queue, execution)
        if done and job.func_name in (RETRAIN, FLUSH, CLEAR):
            project_id = job.args[0]
            dispatcher = Dispatcher(self.connection, Settings())
            state = dispatcher.state(project_id)
            if job.func_name in (RETRAIN, FLUSH) and state.unseen > 0:
                dispatcher.request_retrain(project_id)
            if job.func_name == CLEAR and state.has_stale_predictions:
                dispatcher.request_clearing(project_id)
        return done

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: Any = None,
        exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:
        """RQ keeps the reason of the last attempt only; keep that of every failed one."""
        job.meta[FAILURE] = exc_string.strip().rpartition("\n")[2]
        job.save_meta()
        super().handle_job_failure(job, queue, started_job_registry, exc_string, execution)


def create_worker(settings: Settings) -> AtlasWorker:
    """A worker on the project queue; `work(with_scheduler=True)` runs it."""
    redis = Redis.from_url(settings.redis_url)
    dispatcher = Dispatcher(redis, settings)
    return AtlasWorker([dispatcher.queue], connection=redis, serializer=JSONSerializer, worker_ttl=WORKER_TTL)
