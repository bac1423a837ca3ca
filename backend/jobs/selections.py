"""What somebody asked for on a page, of tasks that they selected: kept until a job has done it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from redis import Redis

from backend.jobs.keys import selection_key
from backend.jobs.values import mended, text
from backend.store.kept_json import MALFORMED

FIRST = "first"
"""Label these next."""
RELEASE = "release"
"""No longer: the wish of this number, or with 0 all."""
SHOW = "show"
"""Show these in Label Studio."""
ASK = "ask"
"""One more annotator for each of these."""
SHOW_GUESSES = "show guesses"
"""To annotators again, of no task in particular."""
EXPORT = "export"
"""The labels with their reasons, as a file beside the versions."""
KINDS = (FIRST, RELEASE, SHOW, ASK, SHOW_GUESSES, EXPORT)
KEPT_SECONDS = 24 * 3600
KEY_CHARACTERS = 16


@dataclass(frozen=True)
class Selection:
    """kind: one of KINDS; by: who asked; wish: the number of the one to release.

    said: what was done, in words, "" until it is; address: where to look at it, a path of Label Studio's;
    made: the number of the wish that came of it, which its undo releases.
    """

    kind: str
    tasks: tuple[int, ...] = ()
    by: str = ""
    wish: int = 0
    said: str = ""
    address: str = ""
    made: int = 0

    def done(self, said: str, *, address: str = "", made: int = 0) -> Selection:
        return replace(self, tasks=(), said=said, address=address, made=made)


class Selections:
    """Of one project, in Redis."""

    def __init__(self, redis: Redis, project_id: int):
        self._redis = redis
        self._id = project_id

    def keep(self, selection: Selection, key: str | None = None) -> str:
        """Returns the key that it is read by."""
        key = key or secrets.token_hex(KEY_CHARACTERS // 2)
        self._redis.set(selection_key(self._id, key), json.dumps(asdict(selection)), ex=KEPT_SECONDS)
        return key

    def read(self, key: str) -> Selection | None:
        """None where there is none, or not any more."""
        place = selection_key(self._id, key)
        kept = text(mended(self._redis, place, lambda: self._redis.get(place)))
        try:
            return None if kept is None else _from_json(json.loads(kept))
        except MALFORMED:  # somebody else wrote to Redis
            self._redis.delete(place)
            return None


def _from_json(found: dict[str, object]) -> Selection:
    """Raises TypeError or ValueError for what `keep` did not write."""
    tasks = found.pop("tasks")
    if not isinstance(tasks, Sequence) or not all(type(task) is int for task in tasks):
        raise TypeError("tasks are no numbers")
    made = Selection(**{**found, "tasks": tuple(tasks)})  # type: ignore[arg-type]
    if made.kind not in KINDS:
        raise ValueError(made.kind)
    return made
