"""What next: the head of the queue, why each task stands there, and whether the order finds rare classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from backend.jobs.pull import FILE, last_pulled
from backend.pages.item import item_shown
from backend.pages.section import ProjectPage, Section
from backend.pages.why_first import is_by_chance, why_first
from backend.store.label_record import LabelRecord
from backend.store.paths import project_dir
from backend.store.reason import PICKED
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
    return {"head": head, "covers": _covers(page), "finds": _finds(page)}


def _head(page: ProjectPage, version: str) -> list[dict[str, Any]]:
    """The first tasks of the published head that still wait, in the order in which they are served."""
    reasons = ServedHeads(page.files).read(version) or {}
    number_of = WantedFirst(page.files).read().number_of

    def turn(task: int) -> tuple[int, int]:
        return -number_of.get(task, 0), reasons[task].place or 0

    with TaskStore(project_dir(page.settings.data_dir, page.id) / FILE) as store:
        waiting = _waiting(store, sorted(reasons, key=turn))
    picked = [task for task in reasons if reasons[task].how == PICKED] if _covers(page) else []
    leader = min(picked, key=lambda task: reasons[task].place or 0, default=None)
    told = next((task for task in waiting if task in picked), None)
    words = {task: why_first(reasons[task], task == leader if task == told else None) for task in waiting}
    return [
        {"task": task, "reason": reasons[task], "words": words[task], **item_shown(page, task)}
        for task in waiting
    ]


def _covers(page: ProjectPage) -> bool:
    """Whether the order is by how much of what is in doubt a task covers, which not all of `auto` is."""
    name = page.published
    if name is None or page.state.wraps is not None or page.versions.stats(name).get("strategy") != "auto":
        return False
    return not page.marks_parts(name)


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
    """Of classes that are rarer than the mean, how many labels were theirs: of the tasks that the order
    chose, and of those that chance alone did; of either those that have a label now."""
    record = LabelRecord(page.files).read()
    tasks = last_pulled(project_dir(page.settings.data_dir, page.id)) if len(record) >= 2 * FEWEST else []
    label_of = {task.id: task.target for task in tasks if task.target is not None}
    at_random = {task for task in record if is_by_chance(record[task].reason)} & label_of.keys()
    chosen = {task for task in record if record[task].reason.how == PICKED} & label_of.keys() - at_random
    told: dict[str, Any] = {"random": len(at_random), "chosen": len(chosen), "fewest": FEWEST}
    told["enough"] = min(len(at_random), len(chosen)) >= FEWEST
    rarest = rare_classes(label_of.values()) if told["enough"] else []
    told["classes"] = [
        {"name": name, "chosen": _share(label_of, chosen, name), "random": _share(label_of, at_random, name)}
        for name in rarest
    ]
    return told


def rare_classes(labels: Iterable[str]) -> list[str]:
    """Of which there are fewer labels than of a class in the mean, the rarest first, RARE at most."""
    counted = Counter(labels)
    rare = [name for name, count in counted.items() if count * len(counted) < counted.total()]
    return sorted(rare, key=lambda name: (counted[name], name))[:RARE]


def _share(label_of: Mapping[int, str], tasks: Collection[int], name: str) -> dict[str, Any]:
    """tasks: with a label each."""
    found = sum(label_of[task] == name for task in tasks)
    return {"found": found, "share": found / len(tasks)}


NEXT = Section("next", "What next", context)
