"""Bring the local copy of a project's tasks up to date with Label Studio."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from backend.labelstudio.client import LabelStudioClient, Project
from backend.labelstudio.scheme import LabelScheme
from backend.labelstudio.targets import consensus, votes_of
from backend.store.tasks import StoredTask, TaskStore

logger = logging.getLogger(__name__)

OVERLAP = timedelta(seconds=10)
"""How far each pull reaches back behind the last: a transaction may commit after a later one did."""

FEW_NEW = 100
"""Up to so many new tasks are read whole, in the same request as what else changed."""


def pull(client: LabelStudioClient, project: Project, scheme: LabelScheme, store: TaskStore) -> None:
    """After this the store holds every task of the project, with its present text and target.

    The first pull, and the first after a change of what is learned, reads everything; later ones read
    what changed since and what is new, and compare ids only when the number of tasks tells that some
    were deleted. Many new tasks are read without their annotations, which few have: ten times faster.
    """
    if store.get_meta("scheme") != repr(scheme):
        store.clear()
        store.set_meta("scheme", repr(scheme))
    since, last = store.get_meta("updated_at"), store.last_id()
    latest = since or ""
    if since is not None:
        many_new = project.task_count - store.count() > FEW_NEW
        for task in client.tasks_changed_since(project.id, _earlier(since), last if many_new else None):
            latest = max(latest, task["updated_at"])
            store.upsert([_whole(task, scheme)])
    if store.count() != project.task_count:
        latest = max(latest, _store_new(client, project, scheme, store, last))
    if store.count() != project.task_count:  # some were deleted, or came and went in this second
        present = client.task_ids(project.id)
        store.delete(store.ids() - present)
        if present - store.ids():
            latest = _store_new(client, project, scheme, store, 0)
    if latest:
        store.set_meta("updated_at", latest)
    store.settle(consensus(store.votes()))
    store.commit()


def _store_new(
    client: LabelStudioClient, project: Project, scheme: LabelScheme, store: TaskStore, last: int
) -> str:
    """Store the tasks with a larger id than `last`; returns the time of the newest change among them."""
    latest, annotated = "", False
    for task in client.tasks_after(project.id, last):
        latest = max(latest, task["updated_at"])
        annotated = annotated or bool(task["total_annotations"])
        store.upsert([StoredTask(task["id"], scheme.text_of(task["data"]), bool(task["is_labeled"]))])
    for task in client.annotated_tasks(project.id, last) if annotated else ():
        # Not `latest`: a task annotated between the two reads must be read again next time.
        store.upsert([_whole(task, scheme)])
    return latest


def _whole(task: dict[str, Any], scheme: LabelScheme) -> StoredTask:
    votes = votes_of(task.get("annotations") or [], scheme)
    return StoredTask(task["id"], scheme.text_of(task["data"]), bool(task["is_labeled"]), votes)


def _earlier(when: str) -> str:
    """Label Studio's filter wants milliseconds and a Z."""
    moment = datetime.fromisoformat(when.replace("Z", "+00:00")) - OVERLAP
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
