"""What a job in Redis can make a worker do: run one of this package's own functions, and nothing else.

RQ calls whatever function a job names, and pickle, RQ's default, runs whatever the bytes say. Whoever can
write to Redis could then run anything here; with JSON and this class, at most a needless retrain.
"""

from __future__ import annotations

from typing import Any

from redis.client import Pipeline
from rq import Queue
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.registry import ScheduledJobRegistry

from backend.errors import ForeignJob
from backend.jobs.dispatch import CLEAR, FLUSH, RECONCILE, REFILL, RETRAIN
from backend.jobs.schedule import due_in

OF_A_PROJECT = {CLEAR, FLUSH, REFILL, RETRAIN}
FOREIGN = "foreign"
"""The function's name of a job that is none of ours."""


class AtlasJob(Job):
    """Runs if it is one of ours. Calls nobody back, by no function and by no webhook."""

    def perform(self) -> Any:
        """Raises ForeignJob: then RQ sets the job aside, among the failed ones."""
        if self.func_name == FOREIGN:
            raise ForeignJob(f"job {self.id} is none of this backend's and was not run")
        return super().perform()

    def retry(self, queue: Queue, pipeline: Pipeline) -> None:
        """Try a job that failed again, after its wait by Redis's clock."""
        wait = self.get_retry_interval()
        super().retry(queue, pipeline)
        if wait:
            registry = ScheduledJobRegistry(queue=queue)
            registry.schedule(self, due_in(self.connection, wait), pipeline)

    def restore(self, raw_data: Any) -> None:
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []

    def _deserialize_data(self) -> None:
        """RQ asks for the parts of a job in many places, and a worker would die of the exception."""
        try:
            super()._deserialize_data()
            is_ours = self._is_ours()
        except DeserializationError:
            is_ours = False
        if not is_ours:
            self._func_name, self._instance, self._args, self._kwargs = FOREIGN, None, (), {}

    def _is_ours(self) -> bool:
        arguments: list[Any] = list(self._args)  # type: ignore[arg-type]
        if self._func_name == RECONCILE:
            fits = not arguments
        else:
            fits = [type(value) for value in arguments] == [int] and arguments[0] > 0
            fits = fits and self._func_name in OF_A_PROJECT
        return fits and self._instance is None and not self._kwargs
