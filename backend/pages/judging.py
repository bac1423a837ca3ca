"""What people say of a labelled task on a page: its label is right, or somebody else shall answer it, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from backend.errors import AtlasError
from backend.jobs.selections import ASK, Selection
from backend.pages.section import ProjectPage
from backend.store.accepted_parts import AcceptedPart, AcceptedParts, Unmarked
from backend.store.judged_labels import FILE, OPINIONS, RETURNED, SENT_BACK, Judged, JudgedLabels
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


def open_suspects(page: ProjectPage) -> list[dict[str, Any]]:
    """Labels that look wrong and that nobody has judged as they are, the most suspicious first."""
    judged, parts = judged_labels(page).read(), accepted_parts(page)
    marked, unmarked = parts.marked(), parts.unmarked()
    rows = [each for each in page.study.get("suspects", []) if each["p_instead"] > each["p_label"]]
    return [
        {**each, "part": part_of(each)} for each in rows if not _is_judged(each, judged, marked, unmarked)
    ]


def _is_judged(
    row: Mapping[str, Any],
    judged: Judged,
    marked: AbstractSet[AcceptedPart],
    unmarked: Sequence[Unmarked],
) -> bool:
    verdict, label = judged.get(row["task"], (None, None))
    if part := part_of(row):
        missing = unmarked_in(row)
        is_right = missing is not None and any(each.is_same(missing) for each in unmarked)
        return verdict in RETURNED or (row["task"], part) in marked or is_right
    return label == ", ".join(row["label"])


def unmarked_in(row: Mapping[str, Any]) -> Unmarked | None:
    """The part that a model sees where nobody marked one; None where the row is about a label."""
    if row["label"] or not row.get("place") or not row.get("answer"):
        return None
    return Unmarked(row["task"], row["answer"], tuple(row["place"]))


def open_opinions(page: ProjectPage) -> list[dict[str, Any]]:
    """Tasks worth a second opinion that nobody has settled with these answers or sent back."""
    settled = judged_labels(page, OPINIONS).read()
    back = {task for task, (verdict, _) in judged_labels(page).read().items() if verdict in RETURNED}
    return [
        each
        for each in page.study.get("opinions", [])
        if each["task"] not in back and settled.get(each["task"], (None, None))[1] != voted(each)
    ]


def voted(row: Mapping[str, Any]) -> str:
    """What the annotators of a task said that is worth a second opinion."""
    return " | ".join(", ".join(vote) or "none" for vote in row["votes"])


def settled_answer(votes: Sequence[Sequence[str]]) -> str | None:
    """On which all its annotators agree; None where they do not."""
    answers = {", ".join(vote) for vote in votes}
    return answers.pop() if len(answers) == 1 else None


def return_task(page: ProjectPage, task: int, label: str) -> str:
    """Have a job open it for one more annotator, as `second-opinions --ask` does. Returns it in words."""
    judged_labels(page).judge(task, SENT_BACK, label)
    page.dispatcher.request_heed(page.id, Selection(ASK, (task,), page.visitor.who))
    return f"Task {task} is sent back: Label Studio is told to serve it to one more annotator."
