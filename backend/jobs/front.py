"""Tasks that are wanted first, at the front of what is published."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress

from backend.errors import NotFound
from backend.labelstudio.client import LabelStudioClient
from backend.store.wanted_first import Front, WantedFirst


def move(
    client: LabelStudioClient,
    project_id: int,
    version: str,
    places: Mapping[int, float],
    tasks: Iterable[int],
    most: int | None = None,
) -> int:
    """Give the version's predictions of these tasks the places that they are to have, where they have others;
    those that are to stand first come first. Returns how many are left to be moved.

    places: by task; one without a place stays where it is; most: how many to move, None for all. Label Studio
    takes a call for each.
    """
    wanted = {task for task in tasks if task in places}
    off = [
        each
        for each in (client.predictions(project_id, version) if wanted else ())
        if each.task in wanted and not _is_at(each.score, places[each.task])
    ]
    off.sort(key=lambda each: places[each.task])
    now = off if most is None else off[:most]
    for each in now:
        with suppress(NotFound):  # deleted meanwhile
            client.set_score(each.id, places[each.task])
    return len(off) - len(now)


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
