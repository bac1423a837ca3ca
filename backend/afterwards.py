"""What an answer does not wait for: begun once it is sent, one thing after the other, in a thread of its own.

Not sooner: Python runs one thread at a time, and the answer would wait for this one after all.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from flask import Response, after_this_request, has_request_context
from redis import RedisError

from backend.errors import AtlasError

logger = logging.getLogger(__name__)


class Afterwards:
    """Safe to share between threads. what: is lost where it fails, or where more than `most` of it waits."""

    def __init__(self, what: str, most: int):
        self._what = what
        self._room = threading.Semaphore(most)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="afterwards")

    def do(self, act: Callable[..., object], *given: Any) -> None:
        """At once where no request is being answered."""
        if not has_request_context():
            self._begin(act, *given)
            return

        @after_this_request
        def wait(response: Response) -> Response:
            response.call_on_close(partial(self._begin, act, *given))
            return response

    def close(self) -> None:
        """What waits is done first."""
        self._thread.shutdown()

    def _begin(self, act: Callable[..., object], *given: Any) -> None:
        if self._room.acquire(blocking=False):
            self._thread.submit(self._do, act, *given)

    def _do(self, act: Callable[..., object], *given: Any) -> None:
        try:
            act(*given)
        except (AtlasError, RedisError, OSError) as error:
            logger.warning("%s is lost: %s", self._what, error)
        finally:
            self._room.release()
