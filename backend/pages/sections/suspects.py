"""Suspicious labels: those that models which never saw them contradict, each to be accepted or sent back."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from backend.pages.judging import accepted_parts, judged_labels, listed, part_of, return_task, task_in
from backend.pages.section import ProjectPage, Section
from backend.store.accepted_parts import AcceptedPart
from backend.store.judged_labels import ACCEPTED, OPENED, RETURNED, Judged

SHOWN = 20


def context(page: ProjectPage) -> Mapping[str, Any]:
    study, judged, parts = page.study, judged_labels(page).read(), accepted_parts(page).read()
    rows = [each for each in study.get("suspects", []) if each["p_instead"] > each["p_label"]]
    open_rows = [{**each, "part": part_of(each)} for each in rows if not _is_judged(each, judged, parts)]
    back = {task: verdict for task, (verdict, _) in judged.items() if verdict in RETURNED}
    return {
        "study": study,
        "rows": [{**each, "address": page.task_address(each["task"])} for each in open_rows[:SHOWN]],
        "in_all": len(open_rows),
        "accepted": sum(verdict == ACCEPTED for verdict, _ in judged.values()) + len(parts),
        "back": [
            {"task": task, "address": page.task_address(task), "is_open": back[task] == OPENED}
            for task in sorted(back)
        ],
    }


def _is_judged(row: Mapping[str, Any], judged: Judged, parts: AbstractSet[AcceptedPart]) -> bool:
    verdict, label = judged.get(row["task"], (None, None))
    if part := part_of(row):
        return verdict in RETURNED or (row["task"], part) in parts
    return label == ", ".join(row["label"])


def accept(page: ProjectPage, form: Mapping[str, str]) -> str:
    found = listed(page.study.get("suspects", []), form)
    if part := part_of(found):
        accepted_parts(page).add(found["task"], part)
    else:
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
