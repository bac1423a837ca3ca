"""What a job in Redis can make a worker do: run one of this package's own functions, and nothing else.

RQ calls whatever function a job names, and pickle, RQ's default, runs whatever the bytes say. Whoever can
write to Redis could then run anything here; with JSON and this class, at most a needless retrain.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.client import Pipeline
from rq import Queue
from rq.exceptions import DeserializationError, NoSuchJobError
from rq.job import Job, JobStatus
from rq.registry import ScheduledJobRegistry
from rq.serializers import JSONSerializer
from rq.utils import str_to_date

from backend.errors import ForeignJob
from backend.jobs.clock import due_in
from backend.jobs.kinds import is_our_call
from backend.jobs.values import mended, text

FOREIGN = "foreign"
"""The function's name of a job that is none of ours."""


_DELETE_EMPTY = "return redis.call('HEXISTS', KEYS[1], 'data') == 0 and redis.call('DEL', KEYS[1])"
_STATUSES = {status.value for status in JobStatus}


class AtlasJob(Job):
    """Runs if it is one of ours. Calls nobody back, by no function and by no webhook."""

    @classmethod
    def read(cls, job_id: str, redis: Redis) -> Job | None:
        """The job of this id; None for an unknown one. A record that has no data is none, and is deleted."""
        try:
            return cls.fetch(job_id, connection=redis, serializer=JSONSerializer)
        except NoSuchJobError:
            redis.eval(_DELETE_EMPTY, 1, cls.key_for(job_id))
            return None

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

    def refresh(self) -> None:
        """Raises NoSuchJobError, also where something else than a job lies under its key."""
        mended(self.connection, self.key, super().refresh)

    def restore(self, raw_data: dict[bytes, bytes]) -> None:
        """Without what our jobs do not have, and without what is not as RQ writes it."""
        super().restore({name: value for name, value in raw_data.items() if _fits(name, value)})
        self.meta = self.meta if isinstance(self.meta, dict) else {}

    def _fetch_status(self) -> JobStatus:
        """One that RQ does not know is a failure's."""
        status = mended(self.connection, self.key, lambda: self.connection.hget(self.key, "status"))
        return super()._fetch_status() if not status or text(status) in _STATUSES else JobStatus.FAILED

    def _deserialize_data(self) -> None:
        """RQ asks for the parts of a job in many places, and a worker would die of the exception."""
        try:
            super()._deserialize_data()
            is_ours = self._is_ours()
        except (DeserializationError, TypeError):
            is_ours = False
        if not is_ours:
            self._func_name, self._instance, self._args, self._kwargs = FOREIGN, None, (), {}

    def _is_ours(self) -> bool:
        arguments: list[Any] = list(self._args)  # type: ignore[arg-type]
        name = self._func_name if isinstance(self._func_name, str) else None
        return is_our_call(name, arguments) and self._instance is None and not self._kwargs


def _is_status(value: bytes) -> bool:
    return text(value) in _STATUSES


def _is_number(value: bytes) -> bool:
    return value.isdigit() and len(value) < 10


def _is_list_of_numbers(value: bytes) -> bool:
    found = json.loads(value)
    return isinstance(found, list) and bool(found) and all(type(each) is int and each >= 0 for each in found)


_FITS: dict[bytes, Callable[[bytes], object]] = {
    b"data": bool,
    b"status": _is_status,
    b"meta": bool,
    b"result": bool,
    **dict.fromkeys((b"origin", b"description", b"worker_name"), bytes.decode),
    **dict.fromkeys(
        (b"created_at", b"enqueued_at", b"started_at", b"ended_at", b"last_heartbeat"), str_to_date
    ),
    **dict.fromkeys((b"timeout", b"result_ttl", b"failure_ttl"), _is_number),
    **dict.fromkeys((b"retries_left", b"number_of_retries"), _is_number),
    b"retry_intervals": _is_list_of_numbers,
}
"""By the field of a job's record that our jobs have: whether a value is one."""


def _fits(name: bytes, value: bytes) -> bool:
    try:
        return bool(_FITS[name](value))
    except (KeyError, ValueError):
        return False
