"""What is enqueued for the ML backend that a project wraps."""

from __future__ import annotations

from rq.job import JobStatus

from backend.jobs.kinds import FORWARD, WRAPPED_PULL
from backend.jobs.lost import forget_if_lost
from backend.jobs.queues import Queues
from backend.jobs.state import ENDED, ProjectState

TRAINING = "training"
"""What a project owes while somebody has asked that the backend which it wraps be trained."""


class WrappedQueues(Queues):
    """A part of the dispatcher."""

    def request_wrapped_pull(self, project_id: int, seconds: float = 0) -> None:
        """Have the ML backend that the project wraps asked about what waits, so many seconds from now. What
        fails there is told by the job, which asks for itself again; see `worker.py`."""
        forget_if_lost(self.redis, job_id := f"wrapped-{project_id}")
        ProjectState(self.redis, project_id).owe(WRAPPED_PULL)
        timeout = self._settings.job_timeout
        self._enqueue_unique(
            self.encoding, WRAPPED_PULL, job_id, seconds, project_id, job_timeout=timeout, **self._retried()
        )

    def request_forwarding(self, project_id: int, seconds: float = 0) -> None:
        """Have the ML backend that the project wraps told of annotations, so many seconds from now."""
        forget_if_lost(self.redis, job_id := f"forward-{project_id}")
        ProjectState(self.redis, project_id).owe(FORWARD)
        timeout = self._settings.job_timeout
        self._enqueue_unique(
            self.encoding, FORWARD, job_id, seconds, project_id, job_timeout=timeout, **self._retried()
        )

    def withdraw_wrapped(self, project_id: int) -> bool:
        """Take back what waits to be asked of that backend, or to be told to it. Returns whether some of it
        runs."""
        jobs = [f"{kind}-{project_id}" for kind in ("wrapped", "forward")]
        for job_id in jobs:
            forget_if_lost(self.redis, job_id)
            self._remove(job_id, {*ENDED, JobStatus.QUEUED, JobStatus.SCHEDULED})
        return any(map(self._is_under_way, jobs))

    def request_training(self, project_id: int) -> None:
        """Have that backend train, once it was told of all annotations."""
        ProjectState(self.redis, project_id).owe(TRAINING)
        self.request_forwarding(project_id)
