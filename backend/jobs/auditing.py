"""The audits of a project: which labels are of tasks drawn at random, and where the next ones are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import torch
from torch import Tensor

from backend.sampling.audit import due, lots_of, silent, silent_lots, with_audits
from backend.sampling.turns import Turns
from backend.settings import Settings
from backend.store.files import Files
from backend.store.label_record import LabelRecord
from backend.store.reason import AUDIT, UNKNOWN, UNSERVED
from backend.store.tasks import StoredTask


class Audits(NamedTuple):
    """tasks: those that were drawn, and are labelled; since: labels of the queue after the last of these."""

    tasks: frozenset[int] = frozenset()
    since: int = 0


def audits_of(files: Files, tasks: Sequence[StoredTask]) -> Audits:
    """What is known of the project's labels; tasks: all of it. Raises ModelStoreError."""
    given = {task.id: task.given.annotation for task in tasks if task.given is not None}
    rows = [row for row in LabelRecord(files).read().values() if given.get(row.task) == row.annotation]
    audits = [row for row in rows if row.reason.how == AUDIT]
    last = max((row.annotation for row in audits), default=-1)
    served = [row for row in rows if row.reason.how not in (UNSERVED, UNKNOWN)]
    return Audits(frozenset(row.task for row in audits), sum(row.annotation > last for row in served))


def audited(
    settings: Settings, turns: Turns, ids: Sequence[int], touched: AbstractSet[int], audits: Audits
) -> tuple[Turns, Tensor]:
    """The order with the next audits in it, and which places carry no guess: int64 [m].

    ids: of the tasks that are ranked, by pool index; touched: by somebody, so that they are drawn no more.
    """
    size, seed = min(settings.queue_head, len(turns.ranking.by)), settings.seed
    places = due(settings.audit_share, seed, len(audits.tasks), audits.since, size)
    if not places:
        return turns, torch.zeros(0, dtype=torch.int64)
    numbers = torch.tensor(ids, dtype=torch.int64)
    free = torch.tensor([task not in touched for task in ids], dtype=torch.bool)
    turns = with_audits(turns, lots_of(numbers, seed), free, places)
    return turns, silent(turns.ranking, silent_lots(numbers, seed))
