"""What next: the head of the queue, why each task stands there, and whether the order finds rare classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from backend.jobs.pull import FILE
from backend.pages.item import item_shown
from backend.pages.section import ProjectPage, Section
from backend.pages.why_first import why_first
from backend.store.paths import project_dir
from backend.store.reason import PICKED
from backend.store.served import ServedHeads
from backend.store.tasks import TaskStore
from backend.store.wanted_first import WantedFirst

SHOWN = 20


def context(page: ProjectPage) -> Mapping[str, Any]:
    head = [] if page.published is None else _head(page, page.published)
    return {"head": head, "covers": _covers(page), "finds": page.study.get("finds")}


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
    if name is None or page.state.wraps is not None:
        return False
    stats = page.versions.stats(name)
    return stats.get("strategy") == "auto" and bool(stats.get("trained_on")) and not page.marks_parts(name)


def _waiting(store: TaskStore, tasks: Iterable[int]) -> list[int]:
    found: list[int] = []
    for each in tasks:
        task = store.task(each)
        if task is not None and task.waits and not task.touched:
            found.append(each)
            if len(found) == SHOWN:
                break
    return found


NEXT = Section("next", "What next", context)
