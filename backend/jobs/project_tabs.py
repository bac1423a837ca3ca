"""The Data Manager's tabs of a project: most uncertain, disputed, suspicious and audited tasks.

`connect --tabs` makes them; they are kept fresh by what each study of the project finds, and go with
`disconnect`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.jobs.pull import last_pulled
from backend.labelstudio.client import LabelStudioClient
from backend.results.too_poor import is_too_poor, judgement_of
from backend.settings import Settings
from backend.store.files import Files
from backend.store.label_record import LabelRecord
from backend.store.locations import project_files, version_store
from backend.store.paths import project_dir
from backend.store.reason import AUDIT
from backend.store.served import ServedHeads

UNCERTAIN, DISPUTED = "Atlas: most uncertain", "Atlas: disputed"
SUSPICIOUS, AUDITED = "Atlas: suspicious labels", "Atlas: audit"
TITLES = (UNCERTAIN, DISPUTED, SUSPICIOUS, AUDITED)
MOST = 100
"""Tasks of a tab."""
_WANTED = "tabs-wanted"


def want_tabs(files: Files) -> None:
    """From now on the project has them."""
    files.write(_WANTED, b"1")


def are_tabs_wanted(files: Files) -> bool:
    try:
        return bool(files.read(_WANTED))
    except FileNotFoundError:
        return False


def forget_tabs(files: Files) -> None:
    files.delete(_WANTED)


def refresh_tabs(
    settings: Settings, client: LabelStudioClient, project_id: int, study: Mapping[str, Any]
) -> list[str]:
    """Show in each what it is called after; where they are wanted. Returns their titles. study: what was
    found out about the project."""
    files = project_files(settings, project_id)
    if not are_tabs_wanted(files):
        return []
    known = {task.id for task in last_pulled(project_dir(settings.data_dir, project_id))}
    shown = []
    for title, tasks in tasks_of_tabs(settings, project_id, study).items():
        if not are_tabs_wanted(files):  # `disconnect` came meanwhile, and deletes those that are there
            break
        client.show_in_tab(project_id, title, tasks, known)
        shown.append(title)
    return shown


def tasks_of_tabs(settings: Settings, project_id: int, study: Mapping[str, Any]) -> dict[str, Sequence[int]]:
    """By title, the tasks."""
    version = version_store(settings, project_id).published()
    files = project_files(settings, project_id)
    head = (ServedHeads(files).read(version) if version else None) or {}
    doubted = {task: why.doubt for task, why in head.items() if why.doubt is not None}
    disputed = study.get("people", {}).get("disputed", [])
    listed = [] if is_too_poor(*judgement_of(study)) else study.get("suspects", [])
    suspects = [each for each in listed if each["p_instead"] > each["p_label"]]
    return {
        UNCERTAIN: sorted(doubted, key=lambda task: (-(doubted[task] or 0.0), task))[:MOST],
        DISPUTED: [each["task"] for each in disputed][:MOST],
        SUSPICIOUS: list(dict.fromkeys(each["task"] for each in suspects))[:MOST],
        AUDITED: _audited(files),
    }


def _audited(files: Files) -> list[int]:
    """Those that are labelled, the last first: one that waits counts no more once it is opened in a tab."""
    rows = (row for row in LabelRecord(files).read().values() if row.reason.how == AUDIT)
    return [row.task for row in sorted(rows, key=lambda row: -row.annotation)][:MOST]
