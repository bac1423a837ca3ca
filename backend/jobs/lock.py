"""One retrain of a project at a time, whatever becomes of those who run it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis, RedisError
from redis.exceptions import LockError
from redis.lock import Lock

from backend.errors import LostLock, ProjectBusy

logger = logging.getLogger(__name__)


class ProjectLock:
    """Held by a token that only its owner knows, and renewed by a thread: a dead owner's expires."""

    def __init__(self, redis: Redis, project_id: int, seconds: int):
        self._lock = Lock(redis, f"atlas:lock:{project_id}", timeout=seconds, thread_local=False)
        self._project_id = project_id
        self._seconds = seconds

    def check(self) -> None:
        """To be called before anything that others see. Raises LostLock when it is somebody else's now.

        A machine that stood still for long enough, or a Redis that was emptied, loses it.
        """
        if not self._lock.owned():
            raise LostLock(f"another worker has taken over project {self._project_id} meanwhile")

    @contextmanager
    def held(self) -> Iterator[ProjectLock]:
        """Waits as long as a dead owner's lock may last. Raises ProjectBusy when the owner is alive."""
        if not self._lock.acquire(blocking_timeout=self._seconds + 1):
            raise ProjectBusy(f"another worker is retraining project {self._project_id}")
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(ended,), daemon=True)
        renewing.start()
        try:
            yield self
        finally:
            ended.set()
            renewing.join()
            try:
                self._lock.release()
            except (LockError, RedisError) as error:
                logger.debug("the lock is gone already: %s", error)

    def _renew(self, ended: threading.Event) -> None:
        while not ended.wait(self._seconds / 3):
            try:
                self._lock.reacquire()
            except LockError:
                return  # `check` tells
            except RedisError as error:
                logger.warning("cannot renew the project's lock: %s", error)
