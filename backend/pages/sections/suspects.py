"""Suspicious labels: those that models which never saw them contradict, each to be accepted or sent back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.errors import AtlasError
from backend.pages.section import ProjectPage, Section
from backend.store.judged_labels import ACCEPTED, SENT_BACK, JudgedLabels

SHOWN = 20


def context(page: ProjectPage) -> Mapping[str, Any]:
    study, judged = page.study, JudgedLabels(page.files).read()
    rows = [each for each in study.get("suspects", []) if each["p_instead"] > each["p_label"]]
    open_rows = [
        each for each in rows if judged.get(each["task"], (None, None))[1] != ", ".join(each["label"])
    ]
    back = [task for task, (verdict, _) in judged.items() if verdict == SENT_BACK]
    return {
        "study": study,
        "rows": [{**each, "address": page.task_address(each["task"])} for each in open_rows[:SHOWN]],
        "in_all": len(open_rows),
        "accepted": sum(verdict == ACCEPTED for verdict, _ in judged.values()),
        "back": [{"task": task, "address": page.task_address(task)} for task in sorted(back)],
    }


def accept(page: ProjectPage, form: Mapping[str, str]) -> str:
    task = _judge(page, form, ACCEPTED)
    return f"The label of task {task} counts as right and is not listed again, unless it changes."


def send_back(page: ProjectPage, form: Mapping[str, str]) -> str:
    task = _judge(page, form, SENT_BACK)
    return f"Task {task} is on the list to be read again."


def undo(page: ProjectPage, form: Mapping[str, str]) -> str:
    task = _task_in(form)
    JudgedLabels(page.files).forget(task)
    return f"Task {task} is off the list."


def _judge(page: ProjectPage, form: Mapping[str, str], verdict: str) -> int:
    task = _task_in(form)
    found = next((each for each in page.study.get("suspects", []) if each["task"] == task), None)
    if found is None:
        raise AtlasError(f"Task {task} is no longer among the suspicious ones: open the page anew.")
    JudgedLabels(page.files).judge(task, verdict, ", ".join(found["label"]))
    return task


def _task_in(form: Mapping[str, str]) -> int:
    typed = form.get("task", "")
    if not (typed.isascii() and typed.isdigit() and len(typed) < 19):
        raise AtlasError("The form names no task.")
    return int(typed)


SUSPECTS = Section(
    "suspects", "Suspicious labels", context, {"accept": accept, "send-back": send_back, "undo": undo}
)
