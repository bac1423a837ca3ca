"""Label Studio serves everybody from one process: two downloads at once, by all workers of all machines
together, and one while people label."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from uuid import uuid4

from redis import Redis

from backend.errors import NoContentNow

TURNS = ("atlas:download:1", "atlas:download:2")
"""The second one is for when nobody labels."""
WAIT_SECONDS = 60.0
LOOK_EVERY = 0.02
_GIVE_BACK = "if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end"


class DownloadTurns:
    """is_quiet: whether nobody labels. seconds: that a download may take; a turn of a worker that was killed
    is free again after that."""

    def __init__(self, redis: Redis, is_quiet: Callable[[], bool], seconds: float):
        self._redis = redis
        self._is_quiet = is_quiet
        self._milliseconds = int(seconds * 1000) + 5000

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Raises NoContentNow where others take all turns for a minute."""
        mine, until = uuid4().hex, monotonic() + WAIT_SECONDS
        while (taken := self._take(mine)) is None:
            if monotonic() > until:
                raise NoContentNow("Label Studio was busy with other downloads")
            sleep(LOOK_EVERY)
        try:
            yield
        finally:
            self._redis.eval(_GIVE_BACK, 1, taken, mine)

    def _take(self, mine: str) -> str | None:
        """The turn that was free."""
        quiet = self._is_quiet()
        if not quiet and self._redis.exists(TURNS[1]):
            return None
        if self._redis.set(TURNS[0], mine, nx=True, px=self._milliseconds):
            return TURNS[0]
        if quiet and self._redis.set(TURNS[1], mine, nx=True, px=self._milliseconds):
            return TURNS[1]
        return None
