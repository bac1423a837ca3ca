"""What next: the head of the queue, why each task stands there, and whether the order finds rare classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend.jobs.pull import FILE, last_pulled
from backend.pages.item import item_shown
from backend.pages.section import ProjectPage, Section
from backend.pages.why_first import is_by_chance, why_first
from backend.store.label_record import LabelRecord
from backend.store.paths import project_dir
from backend.store.served import ServedHeads
from backend.store.tasks import TaskStore
from backend.store.wanted_first import WantedFirst

SHOWN = 20
FEWEST = 10
"""Labels that chance alone brought, of which shares are told."""
RARE = 3
"""Classes whose finds are told, the rarest first."""


def context(page: ProjectPage) -> Mapping[str, Any]:
    head = [] if page.published is None else _head(page, page.published)
    return {"head": head, "finds": _finds(page)}


def _head(page: ProjectPage, version: str) -> list[dict[str, Any]]:
    """The first tasks of the published head that still wait, in the order in which they are served."""
    reasons = ServedHeads(page.files).read(version) or {}
    number_of = WantedFirst(page.files).read().number_of

    def turn(task: int) -> tuple[int, int]:
        return -number_of.get(task, 0), reasons[task].place or 0

    with TaskStore(project_dir(page.settings.data_dir, page.id) / FILE) as store:
        waiting = _waiting(store, sorted(reasons, key=turn))
    return [
        {"task": task, "reason": reasons[task], "words": why_first(reasons[task]), **item_shown(page, task)}
        for task in waiting
    ]


def _waiting(store: TaskStore, tasks: Iterable[int]) -> list[int]:
    found: list[int] = []
    for each in tasks:
        task = store.task(each)
        if task is not None and task.waits and not task.touched:
            found.append(each)
            if len(found) == SHOWN:
                break
    return found


def _finds(page: ProjectPage) -> dict[str, Any]:
    """Of the rarest classes, how many of the labels were theirs: of the tasks that the order chose, and of
    those that chance alone did."""
    record = LabelRecord(page.files).read()
    at_random = {task for task, row in record.items() if is_by_chance(row.reason)}
    chosen = {task for task, row in record.items() if row.reason.how == "picked"} - at_random
    told: dict[str, Any] = {"random": len(at_random), "chosen": len(chosen), "fewest": FEWEST, "classes": []}
    if len(at_random) < FEWEST or len(chosen) < FEWEST:
        return told
    tasks = last_pulled(project_dir(page.settings.data_dir, page.id))
    label_of = {task.id: task.target for task in tasks if task.target is not None}
    counted = Counter(label_of.values())
    rarest = sorted(counted, key=lambda name: (counted[name], name))[:RARE]
    told["classes"] = [
        {"name": name, "chosen": _share(label_of, chosen, name), "random": _share(label_of, at_random, name)}
        for name in rarest
    ]
    return told


def _share(label_of: Mapping[int, str], tasks: Iterable[int], name: str) -> dict[str, Any]:
    labels: Sequence[str] = [label_of[task] for task in tasks if task in label_of]
    found = sum(label == name for label in labels)
    return {"found": found, "of": len(labels), "share": found / len(labels) if labels else None}


NEXT = Section("next", "What next", context)
