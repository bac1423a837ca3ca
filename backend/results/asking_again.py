"""Asking for one more annotator of tasks that are labelled, and seeing to it that this stays so.

Label Studio (1.23.2) saves a whole project where a part of it is changed, and reckons anew which tasks are
finished whenever predictions are imported: of two changes at a time the earlier is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings
from backend.store.locations import project_files
from backend.store.opened_again import OpenedAgain, Overlap, keep_opened, read_opened
from backend.store.paths import exclusive, project_dir

logger = logging.getLogger(__name__)

TRIES = 3
"""How often tasks are opened before somebody else's changes are left to the next look."""


class Found(NamedTuple):
    """waits: whether any task waits for one more annotator; undone: whether it was not served first."""

    waits: bool
    undone: bool


def ask_again(
    settings: Settings, client: LabelStudioClient, project_id: int, tasks: Sequence[int]
) -> list[int]:
    """Open these tasks for one annotator more than have answered, and have Label Studio serve them first.

    Whoever answered is not served them again. How they were is kept, for `disconnect`. Returns those that are
    open now: some may be gone. Raises LabelStudioError, ModelStoreError, DamagedFile.
    """
    # While nobody here publishes: either change would undo the other.
    with exclusive(project_dir(settings.data_dir, project_id), "publish"):
        opened = {
            int(task["id"]): Overlap(task["overlap"], task["total_annotations"] + 1)
            for task in client.tasks_by_id(project_id, tasks)
        }
        if not opened:
            return []
        files = project_files(settings, project_id)
        serves_first = client.project(project_id, counted=False).serves_overlap_first
        known = read_opened(files) or OpenedAgain(serves_first)
        keep_opened(files, known.with_opened(opened))
        for task, overlap in opened.items():
            client.open_again(task, overlap=overlap.now)
        client.serve_overlap_first(project_id)
        for _ in range(TRIES - 1):
            if not _open(client, project_id, opened, insist=True).undone:
                break
    return list(opened)


def keep_open(settings: Settings, client: LabelStudioClient, project_id: int) -> bool:
    """Have Label Studio serve first what still waits for one more annotator, where that was undone. Tasks
    whose overlap somebody has set since are left alone. Returns whether any waits.

    Raises LabelStudioError, ModelStoreError, DamagedFile.
    """
    files = project_files(settings, project_id)
    if read_opened(files) is None:  # mostly
        return False
    with exclusive(project_dir(settings.data_dir, project_id), "publish"):
        opened = read_opened(files)
        found = _open(client, project_id, {} if opened is None else opened.overlap)
    if found.undone:
        logger.info("what waits for one more annotator was not served first any more, and is again")
    return found.waits


def _open(
    client: LabelStudioClient, project_id: int, opened: Mapping[int, Overlap], *, insist: bool = False
) -> Found:
    """What is not, of what waits still. insist: whatever a task's overlap is now."""
    undone = waits = False
    for task in client.standing_of(project_id, opened):
        now = opened[task["id"]].now
        answered = task["total_annotations"] + task["cancelled_annotations"] >= now
        if (task["is_labeled"] and answered) or not (insist or task["overlap"] == now):
            continue
        waits = True
        if task["is_labeled"] or task["overlap"] != now:
            client.open_again(task["id"], overlap=now)
            undone = True
    if waits and not client.project(project_id, counted=False).serves_overlap_first:
        client.serve_overlap_first(project_id)
        undone = True
    return Found(waits, undone)
