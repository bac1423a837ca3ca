"""What a version's record says of a shift of the domain, and whether a new kind of data has come in.

That the labelled tasks differ from those that wait tells little by itself: a strategy does not choose a fair
sample. So tasks that came since are compared with those that waited before them, whatever is labelled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch

from backend.fields import condition_in
from backend.sampling.scene import Scene
from backend.sampling.shift import FEWEST, Shift, shift_of, shift_of_new
from backend.store.tasks import StoredTask

APART = 0.7
"""Area under the ROC curve, less two standard errors, from which on new tasks are a new kind of data."""
UNLIKE = 0.2
"""Share of the new tasks that must be unlike those before."""
ENOUGH = 20
"""Labels among them by which a new kind is one no more."""


def shift_told(
    scene: Scene, waiting: Sequence[StoredTask], every: Sequence[StoredTask], before: Mapping[str, Any]
) -> dict[str, Any]:
    """For the stats of a version. waiting: the tasks of the scene's pool; every: all, by rising id; before:
    the stats of the version before, empty for the first.

    domain_auc, domain_error, unlike: what waits against what is labelled; seen_up_to: the last task that was
    compared with those before it; newest_after: see there; new_kind: tasks that differed and of which fewer
    than ENOUGH are labelled, None where there are none.
    """
    told = shift_of(scene)
    newest = every[-1].id
    seen = _seen(every, before)
    kind = _still_new(before.get("new_kind"), every)
    compared = shift_of_new(scene, torch.tensor([task.id > seen for task in waiting], dtype=torch.bool))
    if compared is not None and is_new_kind(compared):
        new = sum(task.id > seen for task in every)
        kind = {"after": seen, "up_to": newest, "tasks": new, **_rounded(compared)}
    few = sum(task.id > seen for task in every) < FEWEST
    return {
        **({} if told is None else {f"domain_{name}": each for name, each in _rounded(told).items()}),
        "seen_up_to": seen if few else newest,
        "newest_after": newest_after(every, before),
        "new_kind": kind,
    }


def target_of(
    domain: str, waiting: Sequence[StoredTask], every: Sequence[StoredTask], before: Mapping[str, Any]
) -> torch.Tensor | None:
    """Which of the waiting tasks the target domain is seen in, bool [W]: with `newest` those of the newest
    import, with a condition those that it holds for; None for all. Arguments as of `shift_told`."""
    condition = condition_in(domain)
    if condition is not None:
        of = [task.fields.get(condition.field) == condition.value for task in waiting]
        return torch.tensor(of, dtype=torch.bool)
    after = newest_after(every, before)
    if domain != "newest" or after is None:
        return None
    return torch.tensor([task.id > after for task in waiting], dtype=torch.bool)


def notes_on(domain: str, target: torch.Tensor | None) -> list[str]:
    """What to know of the target domain. target: as of `target_of`."""
    if condition_in(domain) is None or (target is not None and bool(target.any())):
        return []
    return [f"TARGET_DOMAIN is {domain}, which no task is that waits: all of them count"]


def newest_after(every: Sequence[StoredTask], before: Mapping[str, Any]) -> int | None:
    """The last task before the newest import of FEWEST or more; None while there was but one."""
    seen = _seen(every, before)
    came = sum(task.id > seen for task in every)
    return seen if came >= FEWEST else before.get("newest_after")


def _seen(every: Sequence[StoredTask], before: Mapping[str, Any]) -> int:
    found: int = before.get("seen_up_to", before.get("newest_task", every[-1].id))
    return found


def is_new_kind(found: Shift) -> bool:
    return found.auc - 2 * found.error > APART and found.unlike >= UNLIKE


def in_words(kind: Mapping[str, Any]) -> str:
    return (
        f"a new kind of data has come in: of {kind['tasks']} tasks after task {kind['after']}, "
        f"{kind['unlike']:.0%} are unlike those that waited before "
        f"(area under the ROC curve {kind['auc']:.2f})"
    )


def _still_new(kind: Mapping[str, Any] | None, every: Sequence[StoredTask]) -> Mapping[str, Any] | None:
    if kind is None:
        return None
    labels = sum(kind["after"] < task.id <= kind["up_to"] and task.target is not None for task in every)
    return kind if labels < ENOUGH else None


def _rounded(found: Shift) -> dict[str, float]:
    return {name: round(each, 4) for name, each in asdict(found).items()}
