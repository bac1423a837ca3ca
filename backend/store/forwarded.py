"""What a wrapped backend was told of a project's annotations, and when: each event once, in order.

Kept with the models, not in Redis: who forgot it would tell everything again, and could not say what a
prediction was made without.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from backend.store.grown import GrownRecord
from backend.store.kept_json import UNREADABLE

logger = logging.getLogger(__name__)

BEFORE, TOLD, DELETED, TRAINED = "before", "told", "deleted", "trained"


class Event(NamedTuple):
    """kind: TOLD of an annotation that was made or changed, or DELETED; BEFORE: it was there before the
    backend was wrapped, when nobody told it through us; TRAINED: it was asked to train. changed: the
    annotation's `updated_at`; at: when it was told, seconds since 1970."""

    kind: str
    annotation: int
    task: int
    changed: str
    at: float


@dataclass
class Known:
    """live: by annotation that it knows of, its task and its `updated_at`; first: by task, when it was first
    told of an annotation of it; since_training: events since it was last asked to train; began: whether there
    is anything."""

    live: dict[int, tuple[int, str]] = field(default_factory=dict)
    first: dict[int, float] = field(default_factory=dict)
    since_training: int = 0
    began: bool = False

    def note(self, event: Event) -> None:
        self.began = True
        if event.kind == TRAINED:
            self.since_training = 0
            return
        self.first[event.task] = min(event.at, self.first.get(event.task, event.at))
        if event.kind == DELETED:
            self.live.pop(event.annotation, None)
        else:
            self.live[event.annotation] = (event.task, event.changed)
        self.since_training += event.kind != BEFORE


class Forwarded(GrownRecord[Event]):
    """Of one project. Raises ModelStoreError where that fails."""

    folder = "forwarded"
    ending = ".json"
    part_rows = 500

    def read(self) -> Known:
        known = Known()
        for path in self.parts():
            for event in self.rows(path):
                known.note(event)
        return known

    def encoded(self, rows: Sequence[Event]) -> bytes:
        return json.dumps([list(row) for row in rows]).encode()

    def rows(self, path: str) -> list[Event]:
        try:
            return [_event(*row) for row in json.loads(self._files.read_constant(path))]
        except UNREADABLE as error:
            logger.warning(
                "what a wrapped backend was told is told again, %s cannot be read: %s", path, error
            )
            return []


def _event(kind: str, annotation: int, task: int, changed: str, at: float) -> Event:
    return Event(str(kind), int(annotation), int(task), str(changed), float(at))
