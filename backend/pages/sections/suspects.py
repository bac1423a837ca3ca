"""Suspicious labels: those that models which never saw them contradict, each to be accepted or sent back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.pages.item import pictures_of
from backend.pages.judging import (
    accepted_parts,
    judged_labels,
    listed,
    open_opinions,
    open_suspects,
    part_of,
    return_task,
    settled_answer,
    task_in,
    unmarked_in,
    voted,
)
from backend.pages.section import ProjectPage, Section
from backend.results.too_poor import is_too_poor, judgement_of, told_of
from backend.store.judged_labels import ACCEPTED, OPENED, OPINIONS, RETURNED

SHOWN = 20


def context(page: ProjectPage) -> Mapping[str, Any]:
    study, judged, parts = page.study, judged_labels(page).read(), accepted_parts(page)
    open_rows, opinions = open_suspects(page), {each["task"] for each in open_opinions(page)}
    pictures = pictures_of(page, [each["task"] for each in open_rows[:SHOWN]])
    back = {task: verdict for task, (verdict, _) in judged.items() if verdict in RETURNED}
    return {
        "study": study,
        "rows": [
            {
                **each,
                "address": page.task_address(each["task"]),
                "elsewhere": each["task"] in opinions,
                "picture": pictures.get(each["task"]),
                "who": [page.named(who) for who in each.get("who", [])],
            }
            for each in open_rows[:SHOWN]
        ],
        "in_all": len(open_rows),
        "is_poor": is_too_poor(*judgement_of(study)),
        "told": told_of(*judgement_of(study)),
        "accepted": sum(verdict == ACCEPTED for verdict, _ in judged.values())
        + len(parts.marked())
        + len(parts.unmarked()),
        "by_simpler": page.state.wraps is None and not page.marks_parts(page.newest_name),
        "back": [
            {"task": task, "address": page.task_address(task), "is_open": back[task] == OPENED}
            for task in sorted(back)
        ],
    }


def accept(page: ProjectPage, form: Mapping[str, str]) -> str:
    found = listed(page.study.get("suspects", []), form)
    if (missing := unmarked_in(found)) is not None:
        accepted_parts(page).add_unmarked(missing)
        return f"Nothing is missing there in task {found['task']}, unless its answer changes."
    if part := part_of(found):
        accepted_parts(page).add(found["task"], part)
    else:
        _accept_whole(page, found["task"], ", ".join(found["label"]))
    return f"The label of task {found['task']} counts as right and is not listed again, unless it changes."


def _accept_whole(page: ProjectPage, task: int, label: str) -> None:
    """Here, and among the second opinions where all its annotators said so."""
    judged_labels(page).judge(task, ACCEPTED, label)
    for each in page.study.get("opinions", []):
        if each["task"] == task and settled_answer(each["votes"]) == label:
            judged_labels(page, OPINIONS).judge(task, ACCEPTED, voted(each))


def send_back(page: ProjectPage, form: Mapping[str, str]) -> str:
    found = listed(page.study.get("suspects", []), form)
    return return_task(page, found["task"], ", ".join(found["label"]))


def undo(page: ProjectPage, form: Mapping[str, str]) -> str:
    task = task_in(form)
    judged_labels(page).forget(task)
    return f"Task {task} is off the list."


SUSPECTS = Section(
    "suspects", "Suspicious labels", context, {"accept": accept, "send-back": send_back, "undo": undo}
)
