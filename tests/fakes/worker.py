"""A worker that runs its jobs in this process, one after the other, and ends when none is due."""

from __future__ import annotations

from typing import Any

from redis import Redis
from rq import Queue
from rq.job import Job

from backend.jobs.kinds import ENCODING_QUEUE, QUEUE_NAME, UPKEEP_QUEUE
from backend.jobs.worker import AtlasWorker


class WorkerHere(AtlasWorker):
    """Ours in all but the fork."""

    def __init__(self, redis: Redis):
        super().__init__([UPKEEP_QUEUE, QUEUE_NAME, ENCODING_QUEUE], 60, redis)

    def run(self) -> None:
        self.work(burst=True, with_scheduler=True, logging_level="WARNING")

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        pass

    def monitor_work_horse(self, job: Job, queue: Queue, execution: Any) -> None:
        self.perform_job(job, queue, execution)

    def _install_signal_handlers(self) -> None:
        """Those of the tests stay."""
