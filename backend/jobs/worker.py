"""The RQ worker."""

from __future__ import annotations

import logging
import os
from typing import Any

import torch._dynamo  # noqa: F401
from redis import Redis
from rq import Worker
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

# Imported once here, not in every forked job: torch, and what its optimizers import when first used (2 s).
import backend.jobs.reconcile
import backend.jobs.refill
import backend.jobs.retrain  # noqa: F401
from backend import logs
from backend.jobs.dispatch import CLEAR, FLUSH, QUEUE_NAME, REFILL, RETRAIN, UPKEEP_QUEUE, Dispatcher
from backend.jobs.job import AtlasJob
from backend.jobs.measures import Measures
from backend.jobs.status import remember_reason
from backend.settings import Settings

logger = logging.getLogger(__name__)

NICENESS = 5
"""Of a retrain: where processors are short, the web server's short answers come first."""
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
        if done and job.args:
            self._measure(job.func_name, job.args[0], job.return_value())
            self._look_again(job.func_name, job.args[0])
        return done

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Runs in the forked process of the job, and ends it."""
        if queue.name == QUEUE_NAME:
            os.nice(NICENESS)
        super().main_work_horse(job, queue)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Forks the job's process, whose log lines all tell of it, as ours do meanwhile."""
        with logs.job(job.id, job.args[0] if job.args else None):
            super().execute_job(job, queue)

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **more: Any) -> None:
        """Also of a job whose process was killed; then it is the parent that comes here."""
        super().handle_job_failure(job, queue, *args, **more)
        if job.func_name == RETRAIN:
            Measures(self.connection).failed(job.args[0])

    def _measure(self, job: str | None, project_id: int, result: Any) -> None:
        if job == RETRAIN:
            Measures(self.connection).retrained(project_id, result)
        elif job == REFILL and "left" in result and not result["needs_retrain"]:
            Measures(self.connection).head_filled(project_id, result["left"])

    def _look_again(self, job: str | None, project_id: int) -> None:
        dispatcher = Dispatcher(self.connection, Settings())
        state = dispatcher.state(project_id)
        if job in (RETRAIN, FLUSH) and state.unseen > 0:
            dispatcher.request_retrain(project_id)
        elif job == REFILL and state.owes(REFILL):
            dispatcher.request_refill(project_id)
        elif job == CLEAR and state.owes(CLEAR):
            dispatcher.request_clearing(project_id)


def create_worker(settings: Settings, only: str | None = None) -> AtlasWorker:
    """A worker; `work(with_scheduler=True)` runs it.

    only: "retrain" or "upkeep", to do just that kind of work; None does both, upkeep first.
    """
    redis = Redis.from_url(settings.redis_url)
    queues = {None: [UPKEEP_QUEUE, QUEUE_NAME], "retrain": [QUEUE_NAME], "upkeep": [UPKEEP_QUEUE]}
    return AtlasWorker(
        queues[only],
        connection=redis,
        serializer=JSONSerializer,
        job_class=AtlasJob,
        exception_handlers=[remember_reason],
        worker_ttl=WORKER_TTL,
    )
