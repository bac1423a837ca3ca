"""Tasks that are wanted first, at the front of what is published."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from backend.errors import NotFound
from backend.labelstudio.client import LabelStudioClient
from backend.store.wanted_first import Front, WantedFirst


def move(
    client: LabelStudioClient,
    project_id: int,
    version: str,
    places: Mapping[int, float],
    tasks: Iterable[int],
) -> int:
    """Give the version's predictions of these tasks the places that they are to have, where they have others;
    those that are to stand first come first. Returns how many were moved.

    places: by task; one without a place stays where it is.
    """
    wanted = {task for task in tasks if task in places}
    off = [
        each
        for each in (client.predictions(project_id, version) if wanted else ())
        if each.task in wanted and not _is_at(each.score, places[each.task])
    ]
    off.sort(key=lambda each: places[each.task])
    return sum(_moved(client, each.id, places[each.task]) for each in off)


def note_published(kept: WantedFirst, front: Front, waiting: AbstractSet[int]) -> bool:
    """A version was published that has this in front. For whoever publishes.

    waiting: the tasks that it ranked; others that were wanted are labelled, or gone.
    Returns whether something else is wanted by now: then a refill has to bring it to the front.
    """
    if kept.read() != front:
        return True
    now = front.among(waiting).settled()
    if now != front:
        kept.write(now)
    return False


def _is_at(score: float | None, place: float) -> bool:
    return score is not None and math.isclose(score, place, rel_tol=1e-9)


def _moved(client: LabelStudioClient, prediction: int, place: float) -> bool:
    try:
        client.set_score(prediction, place)
        return True
    except NotFound:  # deleted meanwhile
        return False
