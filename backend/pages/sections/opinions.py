"""Second opinions: labelled tasks that one more annotator would settle most, each to be asked or left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.pages.judging import judged_labels, listed, return_task
from backend.pages.section import ProjectPage, Section
from backend.store.judged_labels import ACCEPTED, OPINIONS, RETURNED

SHOWN = 12


def context(page: ProjectPage) -> Mapping[str, Any]:
    rows, settled = page.study.get("opinions", []), judged_labels(page, OPINIONS).read()
    back = {task for task, (verdict, _) in judged_labels(page).read().items() if verdict in RETURNED}
    open_rows = [
        each
        for each in rows
        if each["task"] not in back and settled.get(each["task"], (None, None))[1] != _voted(each)
    ]
    return {
        "study": page.study,
        "rows": [
            {**each, "said": _voted(each), "address": page.task_address(each["task"])}
            for each in open_rows[:SHOWN]
        ],
        "above": page.study.get("opinions_above"),
    }


def _voted(row: Mapping[str, Any]) -> str:
    """What its annotators said."""
    return " | ".join(", ".join(vote) or "none" for vote in row["votes"])


def accept(page: ProjectPage, form: Mapping[str, str]) -> str:
    found = listed(page.study.get("opinions", []), form)
    judged_labels(page, OPINIONS).judge(found["task"], ACCEPTED, _voted(found))
    return f"Task {found['task']} counts as settled and is not listed again, unless its answers change."


def send_back(page: ProjectPage, form: Mapping[str, str]) -> str:
    found = listed(page.study.get("opinions", []), form)
    return return_task(page, found["task"], _voted(found))


OPINION_LIST = Section("opinions", "Second opinions", context, {"accept": accept, "send-back": send_back})
