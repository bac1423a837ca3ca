"""What people say of a labelled task on a page: its label is right, or somebody else shall answer it, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.errors import AtlasError
from backend.jobs.selections import ASK, Selection
from backend.pages.section import ProjectPage
from backend.store.accepted_parts import AcceptedParts
from backend.store.judged_labels import FILE, SENT_BACK, JudgedLabels
from backend.store.paths import project_dir


def judged_labels(page: ProjectPage, file: str = FILE) -> JudgedLabels:
    return JudgedLabels(page.files, project_dir(page.settings.data_dir, page.id), file)


def accepted_parts(page: ProjectPage) -> AcceptedParts:
    return AcceptedParts(page.files, project_dir(page.settings.data_dir, page.id))


def task_in(form: Mapping[str, str]) -> int:
    """Raises AtlasError."""
    typed = form.get("task", "")
    if not (typed.isascii() and typed.isdigit() and len(typed) < 19):
        raise AtlasError("The form names no task.")
    return int(typed)


def part_of(row: Mapping[str, Any]) -> str:
    """Of a suspicious label: its place in the task, and the label; "" where it is about the whole of it."""
    return " ".join([*map(str, row["place"]), *row["label"]]) if row.get("place") else ""


def listed(rows: Sequence[Mapping[str, Any]], form: Mapping[str, str]) -> Mapping[str, Any]:
    """The one of these that a form is about. Raises AtlasError where it is listed no more."""
    task, part = task_in(form), form.get("part", "")
    found = next((each for each in rows if each["task"] == task and part_of(each) == part), None)
    if found is None:
        raise AtlasError(f"Task {task} is no longer on this list: open the page anew.")
    return found


def return_task(page: ProjectPage, task: int, label: str) -> str:
    """Have a job open it for one more annotator, as `second-opinions --ask` does. Returns it in words."""
    judged_labels(page).judge(task, SENT_BACK, label)
    page.dispatcher.request_heed(page.id, Selection(ASK, (task,), page.visitor.who))
    return f"Task {task} is sent back: Label Studio is told to serve it to one more annotator."
