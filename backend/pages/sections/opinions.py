"""Second opinions: labelled tasks that one more annotator would settle most, each to be asked or left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.pages.item import pictures_of
from backend.pages.judging import (
    judged_labels,
    listed,
    open_opinions,
    open_suspects,
    return_task,
    settled_answer,
    voted,
)
from backend.pages.section import ProjectPage, Section
from backend.pages.sections.suspects import SHOWN as LISTED
from backend.pages.words import shortened
from backend.store.judged_labels import ACCEPTED, OPINIONS

SHOWN = 12
"""Before the list is opened."""


def context(page: ProjectPage) -> Mapping[str, Any]:
    rows, suspected = open_opinions(page), {each["task"] for each in open_suspects(page)[:LISTED]}
    pictures = pictures_of(page, [each["task"] for each in rows])
    judged = len(page.study.get("opinions", [])) - len(rows)
    return {
        "study": page.study,
        "rows": [
            {**_row(page, each, each["task"] in suspected), "picture": pictures.get(each["task"])}
            for each in rows
        ],
        "shown": SHOWN,
        "above": sum(each.get("above", False) for each in rows),
        "in_all": page.study.get("opinions_in_all", 0) - judged,
    }


def _row(page: ProjectPage, told: Mapping[str, Any], elsewhere: bool) -> Mapping[str, Any]:
    answer = settled_answer(told["votes"])
    return {
        **told,
        "said": voted(told),
        "by": list(zip(map(page.named, told.get("who", [])), told["votes"], strict=False)),
        "address": page.task_address(told["task"]),
        "settle": "Leave as it is" if answer is None else f"“{shortened(answer, 24) or 'none'}” is right",
        "elsewhere": elsewhere,
    }


def accept(page: ProjectPage, form: Mapping[str, str]) -> str:
    found = listed(page.study.get("opinions", []), form)
    judged_labels(page, OPINIONS).judge(found["task"], ACCEPTED, voted(found))
    answer = settled_answer(found["votes"])
    if answer is not None and any(each["task"] == found["task"] for each in page.study.get("suspects", [])):
        judged_labels(page).judge(found["task"], ACCEPTED, answer)
    return f"Task {found['task']} counts as settled and is not listed again, unless its answers change."


def send_back(page: ProjectPage, form: Mapping[str, str]) -> str:
    found = listed(page.study.get("opinions", []), form)
    return return_task(page, found["task"], voted(found))


OPINION_LIST = Section("opinions", "Second opinions", context, {"accept": accept, "send-back": send_back})
