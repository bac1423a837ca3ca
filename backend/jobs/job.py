"""What a job in Redis can make a worker do: run one of this package's own functions, and nothing else.

RQ calls whatever function a job names, and pickle, RQ's default, runs whatever the bytes say. Whoever can
write to Redis could then run anything here; with JSON and this class, at most a needless retrain.
"""

from __future__ import annotations

from typing import Any

from rq.job import Job

from backend.errors import ForeignJob
from backend.jobs.dispatch import CLEAR, FLUSH, RECONCILE, REFILL, RETRAIN

OURS = {CLEAR, FLUSH, RECONCILE, REFILL, RETRAIN}


class AtlasJob(Job):
    """Runs if it is one of ours. Calls nobody back, by no function and by no webhook."""

    def perform(self) -> Any:
        """Raises ForeignJob, or RQ's DeserializationError for what is no JSON: RQ sets the job aside."""
        projects = [type(value) is int and value > 0 for value in self.args]
        if self.func_name not in OURS or self.instance is not None or self.kwargs or not all(projects):
            raise ForeignJob(f"job {self.id} is none of this backend's and was not run")
        return super().perform()

    def restore(self, raw_data: Any) -> None:
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []
