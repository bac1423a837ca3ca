"""What is known of a project's retrains that fail: whether it is set aside, and what makes it worth a try."""

from __future__ import annotations

from backend.jobs.keys import aside_key, peace_key
from backend.jobs.project_hash import NEVER, ProjectHash
from backend.jobs.values import mended, text, whole

ASIDE_GROWTH = 6
ASIDE_AT_MOST = 24 * 3600
"""Seconds."""
MORE_AT_MOST = 2**20
"""Changes after which a project that has failed ever so often is worth a try."""


class Tries(ProjectHash):
    """In the project's hash, and in keys beside it that Redis forgets in time."""

    def begin_try(self) -> None:
        """A retrain begins: what has changed until now it will have seen."""
        self._set("tried", str(whole(self._get("changes"))))

    @property
    def has_changed_since_try(self) -> bool:
        changes, tried = self._get_many("changes", "tried")
        return whole(changes) > whole(tried)

    def set_aside(self, reason: str, seconds: int) -> int:
        """A retrain failed for good: leave the project alone, each time longer. Returns for how long.

        One more change may be what mends it, and is worth a try; after that has failed two, then four ...
        """
        times = min(1 + whole(self._get("failures")), 99)
        self._set("failures", str(times))
        self._set("try_at", str(whole(self._get("tried")) + min(2 ** (times - 1), MORE_AT_MOST)))
        wait = min(seconds * ASIDE_GROWTH ** (times - 1), max(seconds, ASIDE_AT_MOST))
        self._redis.set(aside_key(self._id), reason, ex=wait)
        return wait

    @property
    def aside(self) -> str | None:
        """Why the project is left alone, None where it is not."""
        key = aside_key(self._id)
        return text(mended(self._redis, key, lambda: self._redis.get(key)))

    @property
    def wants_a_try(self) -> bool:
        """Whether it is set aside, and has changed so much since that it is worth a try."""
        changes, try_at = self._get_many("changes", "try_at")
        return whole(changes) >= whole(try_at, NEVER)

    def end_aside(self) -> None:
        """For one try: if that fails too, the project is set aside for longer."""
        self._redis.delete(aside_key(self._id))
        self._set("try_at", None)

    def forgive(self) -> None:
        """It is worth a try again, as if it had never failed."""
        self.end_aside()
        self._set("failures", None)

    def leave_in_peace(self, seconds: int) -> None:
        """Label Studio asks to be left alone for so long: until then nothing makes a retry come sooner."""
        if seconds > 0:
            self._redis.set(peace_key(self._id), "", ex=seconds)

    @property
    def is_left_in_peace(self) -> bool:
        return bool(self._redis.exists(peace_key(self._id)))
