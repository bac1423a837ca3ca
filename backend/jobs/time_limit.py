"""The end of a job that takes too long, which nothing on the way may take for a fault of its own."""

from __future__ import annotations

from typing import Any

from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty


class OutOfTime(BaseException):
    """No Exception: a task that cannot be read, or a store that fails, is caught and gone on after; this is
    not."""


class TimeLimit(UnixSignalDeathPenalty):
    """RQ's, which would raise an Exception in a job."""

    def __init__(self, timeout: int, exception: type[BaseException] = JobTimeoutException, **more: Any):
        super().__init__(timeout, OutOfTime if exception is JobTimeoutException else exception, **more)

    def cancel_death_penalty(self) -> None:
        """As RQ's `__exit__` does with its own exception: the job has ended just now."""
        try:
            super().cancel_death_penalty()
        except OutOfTime:
            super().cancel_death_penalty()
