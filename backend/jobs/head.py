"""The head of a queue: which tasks are published to Label Studio, and the switch to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType

from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.project import Project
from backend.store.model_version import version_number

NONE_WANTED: Mapping[int, int] = MappingProxyType({})


def head_of(
    queue: Sequence[int],
    size: int,
    touched: AbstractSet[int] = frozenset(),
    first: AbstractSet[int] = frozenset(),
    wanted: Mapping[int, int] = NONE_WANTED,
) -> list[int]:
    """The first `size` tasks of a queue of ids in the order in which Label Studio will get to them.

    touched: skipped, or annotated without a result that settles them. Whoever did that is not served them
    again: were the head full of them, its order would be random for that person. So they come last.
    first: what Label Studio serves before any other task. Without predictions of it the order would be
    random, however good the rest of the head.
    wanted: by task, the number of the wish that it be labelled next, the latest first. One that is touched
    stays for those who have not touched it: there are up to `size` of these beside the others.
    """
    by_turn = sorted(queue, key=lambda task: (task in touched, -wanted.get(task, 0), task not in first))
    head = by_turn[:size]
    beside = [task for task in by_turn[size:] if task in touched and task in wanted]
    return [*head, *beside[:size]]


def switch(client: LabelStudioClient, project: Project, version: str, *, blind: bool) -> None:
    """Make Label Studio order by the version. Where it does not order by one of ours, the sampling may
    still be the one that looks at no score."""
    takes_over = not version_number(project.model_version or "")
    client.publish(project.id, version, set_sampling=takes_over, blind=blind)
