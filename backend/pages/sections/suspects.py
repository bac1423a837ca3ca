"""Suspicious labels: those that models which never saw them contradict, each to be accepted or sent back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.pages.judging import judged_labels, listed, return_task, task_in
from backend.pages.section import ProjectPage, Section
from backend.store.judged_labels import ACCEPTED, OPENED, RETURNED

SHOWN = 20


def context(page: ProjectPage) -> Mapping[str, Any]:
    study, judged = page.study, judged_labels(page).read()
    rows = [each for each in study.get("suspects", []) if each["p_instead"] > each["p_label"]]
    open_rows = [
        each for each in rows if judged.get(each["task"], (None, None))[1] != ", ".join(each["label"])
    ]
    back = {task: verdict for task, (verdict, _) in judged.items() if verdict in RETURNED}
    return {
        "study": study,
        "rows": [{**each, "address": page.task_address(each["task"])} for each in open_rows[:SHOWN]],
        "in_all": len(open_rows),
        "accepted": sum(verdict == ACCEPTED for verdict, _ in judged.values()),
        "back": [
            {"task": task, "address": page.task_address(task), "is_open": back[task] == OPENED}
            for task in sorted(back)
        ],
    }


def accept(page: ProjectPage, form: Mapping[str, str]) -> str:
    found = listed(page.study.get("suspects", []), form)
    judged_labels(page).judge(found["task"], ACCEPTED, ", ".join(found["label"]))
    return f"The label of task {found['task']} counts as right and is not listed again, unless it changes."


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
