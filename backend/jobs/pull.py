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


def pull(client: LabelStudioClient, project: Project, scheme: LabelScheme, store: TaskStore) -> None:
    """After this the store holds every task of the project, with its present text and target.

    The first pull, and the first after a change of what is learned, reads everything; later ones read
    what changed since, and compare ids only when the number of tasks tells that some were deleted.
    """
    if store.get_meta("scheme") != repr(scheme):
        store.clear()
        store.set_meta("scheme", repr(scheme))
    since = store.get_meta("updated_at")
    latest = since or ""
    if since is None:
        latest = _store_all(client, project, scheme, store)
    else:
        # All is read before the first is written: another job may be waiting to write.
        changed = list(client.tasks_changed_since(project.id, _earlier(since)))
        latest = max([latest, *(task["updated_at"] for task in changed)])
        store.upsert(_stored(task, scheme) for task in changed)
    if store.count() != project.task_count:
        # More here than there: deleted. Fewer: imported in this second, or hidden by equal time stamps.
        present = client.task_ids(project.id)
        store.delete(store.ids() - present)
        if present - store.ids():
            latest = _store_all(client, project, scheme, store)
    if latest:
        store.set_meta("updated_at", latest)
    _settle(scheme, store)
    store.commit()


def _settle(scheme: LabelScheme, store: TaskStore) -> None:
    """Turn all annotators' votes into targets: each vote may change what its annotator's others weigh."""
    verdicts = {control: consensus(votes) for control, votes in store.votes().items()}
    others: dict[int, dict[str, str]] = {}
    for companion in scheme.companions:
        for task_id, verdict in verdicts.get(companion.from_name, {}).items():
            labels = others.setdefault(task_id, {})
            if verdict.label is not None:
                labels[companion.from_name] = verdict.label
    store.settle(verdicts.get(scheme.from_name, {}), others)


def _store_all(client: LabelStudioClient, project: Project, scheme: LabelScheme, store: TaskStore) -> str:
    latest = ""
    for task in client.all_tasks(project.id):
        latest = max(latest, task["updated_at"])
        store.upsert([_stored(task, scheme)])
    for task in client.annotated_tasks(project.id):
        # Not `latest`: a task annotated between the two reads must be read again next time.
        store.upsert([_stored(task, scheme)])
    return latest


def _stored(task: dict[str, Any], scheme: LabelScheme) -> StoredTask:
    annotations = task.get("annotations") or []
    controls = (scheme, *scheme.companions)
    votes = {control.from_name: cast for control in controls if (cast := votes_of(annotations, control))}
    return StoredTask(task["id"], scheme.text_of(task["data"]), bool(task["is_labeled"]), votes)


def _earlier(when: str) -> str:
    """Label Studio's filter wants milliseconds and a Z."""
    moment = datetime.fromisoformat(when.replace("Z", "+00:00")) - OVERLAP
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
