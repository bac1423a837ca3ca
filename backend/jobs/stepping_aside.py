"""When a fine-tuning, which takes minutes, has to make room."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from redis import Redis
from rq import get_current_job

from backend.errors import AtlasError
from backend.jobs.kinds import QUEUE_NAME, TUNING_QUEUE
from backend.jobs.values import text

LOOK_EVERY = 0.5
"""Seconds between looks at the queues."""


class Overtaken(AtlasError):
    """Something else comes first; the work is thrown away."""


class OutOfTime(AtlasError):
    """It takes longer than FINE_TUNE_WITHIN, or would."""


class StepAside:
    """Raises Overtaken where the worker that runs this job is wanted elsewhere, or by `is_outdated`;
    OutOfTime where all of it would take more than `seconds`.

    A worker that only tunes is wanted nowhere else. For others a retrain that waits ends it at once; what
    waits in another queue does at the second look, since another worker may be about to take it.
    """

    FIRST, MEASURED = 5, 10
    """Steps that are not timed, since the first ones are slower; and those that are, before it is told how
    long all will take."""

    def __init__(self, redis: Redis, seconds: float, is_outdated: Callable[[], str | None]):
        self._redis = redis
        self._seconds = seconds
        self._is_outdated = is_outdated
        self._worker = _worker()
        served = text(redis.hget(self._worker, "queues")) if self._worker else None
        self._queues = [name for name in (served or "").split(",") if name and name != TUNING_QUEUE]
        self._began = self._looked = monotonic()
        self._waited = False

    def look(self) -> None:
        """To be called often."""
        now = monotonic()
        if now - self._looked >= LOOK_EVERY:
            self._looked = now
            self._look()

    def each_of(self, steps: int) -> Callable[[], None]:
        """What to call after each of so many steps."""
        done, first = 0, 0.0

        def step_done() -> None:
            nonlocal done, first
            done += 1
            if done == self.FIRST:
                first = monotonic()
            if done >= self.FIRST + self.MEASURED:
                each = (monotonic() - first) / (done - self.FIRST)
                self._check_time(each * (steps - done))
            self.look()

        return step_done

    def _check_time(self, left: float) -> None:
        needed = monotonic() - self._began + left
        if needed > self._seconds:
            raise OutOfTime(
                f"adapting the encoder's layers would take about {needed:.0f} s here; FINE_TUNE_WITHIN is "
                f"{self._seconds:.0f}: set it higher, or FINE_TUNE=heads"
            )

    def _look(self) -> None:
        waiting = [name for name in self._queues if self._redis.llen(f"rq:queue:{name}")]
        if QUEUE_NAME in waiting:
            raise Overtaken("a retrain waits")
        if waiting and self._waited:
            raise Overtaken(f"something waits in {waiting[0]}")
        self._waited = bool(waiting)
        if self._worker and self._redis.hexists(self._worker, "shutdown_requested_date"):
            raise Overtaken("its worker is asked to stop")
        if (why := self._is_outdated()) is not None:
            raise Overtaken(why)


def _worker() -> str | None:
    """Redis's key of the worker that runs this job."""
    job = get_current_job()
    return None if job is None or job.worker_name is None else f"rq:worker:{job.worker_name}"
