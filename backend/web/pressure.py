"""Back-pressure: under more requests for predictions than can be answered, some are refused at once.

Each takes a processor for its time. A few compute side by side, more wait, and what comes on top is told
to come back later; so webhooks, health checks and set-ups always find a free thread. Label Studio takes
such an answer for "no prediction", and asks again when the task is next opened.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.exceptions import ServiceUnavailable

RETRY_SECONDS = 5
"""What a refused client is told to wait."""


class Slots:
    """at_once: how many work side by side; admitted: how many work or wait. Shared between threads."""

    def __init__(self, at_once: int, admitted: int, what: str = "requests for predictions"):
        self._what = what
        self._working = threading.Semaphore(at_once)
        self._admitted = threading.Semaphore(max(at_once, admitted))

    @contextmanager
    def one(self) -> Iterator[None]:
        """Work within it. Raises ServiceUnavailable (503) when too many wait already."""
        if not self._admitted.acquire(blocking=False):
            raise ServiceUnavailable(
                f"Too many {self._what} at once; ask again later. More WEB_WORKERS would help.",
                retry_after=RETRY_SECONDS,
            )
        try:
            with self._working:
                yield
        finally:
            self._admitted.release()
