"""Images that could not be had, and why, in Redis: they are asked for again now and then; `doctor` tells."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis

from backend.jobs.keys import failures_key
from backend.jobs.values import mended
from backend.pairs import parts
from backend.store.kept_json import MALFORMED, finite
from backend.store.vectors import digest_of

AGAIN_AFTER, AGAIN_SOON = 600.0, 60.0
"""Seconds until one is asked for again, and one of which another try may help."""
MOST = 10_000
"""Of a project that are remembered."""
SHOWN = 80
"""Characters of an address."""


@dataclass(frozen=True)
class Failure:
    """value: what stands in the task. passing: another try may help."""

    value: str
    reason: str
    passing: bool


class ImageFailures:
    """A Redis hash per project: by the digest of what stands in the task."""

    def __init__(self, redis: Redis, project_id: int):
        self._redis = redis
        self._key = failures_key(project_id)

    def note(self, failures: Iterable[Failure]) -> None:
        now = self._now()
        fields = {
            digest_of(each.value).hex(): json.dumps([now, each.passing, each.reason]) for each in failures
        }
        room = MOST - self._redis.hlen(self._key)
        if fields := dict(list(fields.items())[: max(room, 0)]):
            self._redis.hset(self._key, mapping=fields)  # type: ignore[arg-type]

    def forget(self, values: Iterable[str]) -> None:
        """They could be had after all, or are gone."""
        fields = [digest_of(value).hex() for value in values]
        if fields:
            self._redis.hdel(self._key, *fields)

    def resting(self) -> dict[str, str]:
        """Those not to be asked for just now: by `digest_of` what stands in the task, in hex, the reason."""
        now = self._now()
        return {
            field: reason
            for field, (then, passing, reason) in self._read().items()
            if now - then < (AGAIN_SOON if passing else AGAIN_AFTER)
        }

    def reasons(self, tasks: Iterable[tuple[int, str]]) -> dict[int, str]:
        """By task, why its image, or one of two, could not be had. tasks: ids, and what stands in them."""
        reasons = {field: reason for field, (_, _, reason) in self._read().items()}
        if not reasons:
            return {}
        each = ((task, part) for task, value in tasks for part in parts(value))
        found = ((task, reasons.get(digest_of(image).hex())) for task, image in each)
        return {task: reason for task, reason in found if reason is not None}

    def keep_only(self, values: Iterable[str]) -> None:
        """Of a project's present tasks."""
        present = {digest_of(value).hex() for value in values}
        gone = [field for field in self._read() if field not in present]
        if gone:
            self._redis.hdel(self._key, *gone)

    def _read(self) -> dict[str, tuple[float, bool, str]]:
        found = {}
        held: dict[Any, Any] = mended(self._redis, self._key, lambda: self._redis.hgetall(self._key))
        for field, value in held.items():
            try:
                then, passing, reason = json.loads(value)
                found[field.decode()] = (finite(then), bool(passing), str(reason))
            except MALFORMED:  # nobody here wrote that
                continue
        return found

    def _now(self) -> float:
        seconds, microseconds = self._redis.time()
        return float(seconds + microseconds / 1e6)


def in_words(failures: Mapping[str, str]) -> str:
    """How many, the commonest reasons, and one of each. failures: by a task, or an address, the reason."""
    said = []
    for reason, count in Counter(failures.values()).most_common(3):
        one = next(each for each, why in failures.items() if why == reason)[:SHOWN]
        said.append(f"{count} x {reason}, as of {one}" if count > 1 else f"{one}: {reason}")
    images = "1 image" if len(failures) == 1 else f"{len(failures)} images"
    more = "" if len(set(failures.values())) <= 3 else "; ..."
    return f"{images} cannot be had ({'; '.join(said)}{more})"


def of_tasks(reasons: Mapping[int, str]) -> str:
    """`in_words`, by tasks."""
    return in_words({f"task {task}": reason for task, reason in reasons.items()})
