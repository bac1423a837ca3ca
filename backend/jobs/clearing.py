"""Take old predictions out of Label Studio in pieces that hold nobody up.

A deletion keeps Label Studio's database to itself: on SQLite nobody can write meanwhile, in any project, and
a `/next` that waits too long is answered "database is locked". How long one takes differs by a hundred
times, with the database and with the size of the label config. So each piece is measured, and the next one
is as large as a fraction of a second allows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from math import inf
from time import monotonic

from redis import Redis

from backend.jobs.values import mended, number
from backend.labelstudio.client import LabelStudioClient

logger = logging.getLogger(__name__)

PIECE_SECONDS = 0.5
"""Of Label Studio's time between two looks whether somebody labels."""
TOO_LONG = 1.0
"""Seconds; where pieces take longer, nothing more is deleted."""
JOB_SECONDS = 10.0
"""Of one job: refills wait for the same worker."""
PAGE = 100
"""Predictions looked for at once, to be deleted one by one."""
REMEMBERED = 24 * 3600
"""Seconds for which what was measured counts."""


class TooSlow(Exception):
    """A piece took longer than TOO_LONG."""


class Pace:
    """How long Label Studio takes to delete a project's predictions, in Redis."""

    def __init__(self, redis: Redis, project_id: int):
        self._redis = redis
        self._key = f"atlas:clearing:{project_id}"

    def rests(self) -> bool:
        """Whether a piece took too long, within the last day."""
        return bool(self._redis.exists(f"{self._key}:rests"))

    def too_slow(self) -> None:
        """Once may be a busy moment; twice in a row, and nothing is cleared for a day."""
        if self._redis.set(f"{self._key}:slow", 1, ex=REMEMBERED, nx=True) is None:
            self._redis.set(f"{self._key}:rests", 1, ex=REMEMBERED)

    def quick_enough(self) -> None:
        self._redis.delete(f"{self._key}:slow")

    @property
    def seconds(self) -> float | None:
        """At most, per prediction of a call that deletes several; None where nothing was measured."""
        found = number(mended(self._redis, self._key, lambda: self._redis.get(self._key)))
        return found if found > 0 else None

    def note(self, seconds: float) -> None:
        self._redis.set(self._key, seconds, ex=REMEMBERED)


class Clearing:
    """One job's deletions. is_quiet: whether nobody labels; it is asked every PIECE_SECONDS."""

    def __init__(self, client: LabelStudioClient, project_id: int, pace: Pace, is_quiet: Callable[[], bool]):
        self._client = client
        self._id = project_id
        self._pace = pace
        self._is_quiet = is_quiet
        self._ends = monotonic() + JOB_SECONDS
        self._quiet, self._looked = False, -inf
        self.deleted = 0

    def run(self, sizes: dict[str, int]) -> bool:
        """Delete all predictions of these versions, of which there are so many. False where it stopped before
        the end: somebody labels, or its time was up. Raises TooSlow."""
        return all(self._delete(version, size) for version, size in sizes.items())

    def _delete(self, version: str, size: int) -> bool:
        found: list[int] = []
        while self._may_go_on():
            if size <= self._at_once():
                self._whole(version, size)
                return True
            found = found or self._client.some_predictions(self._id, version, PAGE)
            if not found:  # somebody else has deleted them
                return True
            self._one(found.pop())
            size -= 1
        return False

    def _may_go_on(self) -> bool:
        now = monotonic()
        if now - self._looked >= PIECE_SECONDS:
            self._quiet, self._looked = self._is_quiet(), now
        return self._quiet and now < self._ends

    def _at_once(self) -> int:
        """How many predictions one call may delete; none before the first one has gone alone."""
        seconds = self._pace.seconds
        return 0 if seconds is None else int(PIECE_SECONDS / seconds)

    def _whole(self, version: str, size: int) -> None:
        began = monotonic()
        self._client.delete_version(self._id, version)
        self.deleted += size
        if size:
            self._note(monotonic() - began, size)

    def _one(self, prediction: int) -> None:
        began = monotonic()
        self._client.delete_prediction(prediction)
        self.deleted += 1
        self._note(monotonic() - began, 1)

    def _note(self, seconds: float, count: int) -> None:
        """One that goes alone takes longer than one among others."""
        known = self._pace.seconds
        if count > 1 or known is None or seconds < known:
            self._pace.note(seconds / count)
        if seconds <= TOO_LONG:
            self._pace.quick_enough()
            return
        self._pace.too_slow()
        raise TooSlow(
            f"Label Studio took {seconds:.1f} s to delete {count} old predictions, "
            "and lets nobody else write meanwhile"
        )
