"""The installation's number for /health, which waits for nothing: it is read from Redis beside that."""

from __future__ import annotations

import logging
import threading

from redis import Redis, RedisError

from backend.jobs.installation import installation_id

logger = logging.getLogger(__name__)

REDIS_SECONDS = 0.5
"""How long it may take to be read."""


class Installation:
    """What was last read of it, per process."""

    def __init__(self, redis: Redis):
        self._redis = redis
        self._id: str | None = None
        self._is_reading = threading.Lock()

    def last_read(self) -> str | None:
        """At once; None before it was first read. Has it read anew, since a Redis that was emptied gets
        another: who asks again soon after gets that."""
        if self._is_reading.acquire(blocking=False):
            try:
                threading.Thread(target=self._read, name="installation", daemon=True).start()
            except RuntimeError:  # no more threads: the next request tries again
                self._is_reading.release()
        return self._id

    def _read(self) -> None:
        try:
            self._id = installation_id(self._redis)
        except RedisError as error:
            logger.debug("cannot read the installation's number: %s", error)
        finally:
            self._is_reading.release()
