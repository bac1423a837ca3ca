"""Which annotation events a wrapped backend has not been told of: what there is, against what it was told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any, NamedTuple

from backend.store.forwarded import BEFORE, DELETED, TOLD, Event, Known

CREATED, UPDATED, ANNOTATIONS_DELETED = "ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"
Json = dict[str, Any]


class Due(NamedTuple):
    """payload: as Label Studio would send it, but for the project."""

    event: Event
    payload: Json


def due(tasks: Iterable[Json], known: Known) -> list[Due]:
    """In the order in which they happened. tasks: whole, as Label Studio lists them."""
    found = [each for task in tasks for each in _of_task(task, known)]
    return sorted(found, key=lambda each: (each.event.changed, each.event.annotation))


def before(tasks: Iterable[Json], since: str) -> list[Event]:
    """Annotations that were there when the backend was wrapped, told of when they were made.

    since: ISO 8601.
    """
    moment = _seconds(since)
    return [
        Event(BEFORE, each["id"], task["id"], each["updated_at"], _seconds(each["created_at"]))
        for task in tasks
        for each in task.get("annotations") or []
        if _seconds(each["created_at"]) < moment
    ]


def _of_task(task: Json, known: Known) -> list[Due]:
    given = {each["id"]: each for each in task.get("annotations") or []}
    told = {name: each for name, each in task.items() if name not in ("annotations", "predictions")}
    found = []
    for number, annotation in given.items():
        if (was := known.live.get(number)) is None or was[1] != annotation["updated_at"]:
            payload = {"action": CREATED if was is None else UPDATED, "annotation": annotation, "task": told}
            found.append(Due(Event(TOLD, number, task["id"], annotation["updated_at"], 0.0), payload))
    for number in [each for each, (of, _) in known.live.items() if of == task["id"] and each not in given]:
        payload = {"action": ANNOTATIONS_DELETED, "annotations": [{"id": number}]}
        found.append(Due(Event(DELETED, number, task["id"], task["updated_at"], 0.0), payload))
    return found


def _seconds(when: str) -> float:
    """Since 1970."""
    moment = datetime.fromisoformat(when.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
