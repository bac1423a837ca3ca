"""What each of Label Studio's webhooks asks for. All are hints: the jobs read the truth themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.jobs.dispatch import Dispatcher

Published = Callable[[], str | None]
"""Asked only where it matters: with a model store on another machine the answer takes its time."""
ANNOTATION_EVENTS = {
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
}
EVENTS = ANNOTATION_EVENTS | {"TASKS_CREATED", "TASKS_DELETED", "START_TRAINING", "PROJECT_UPDATED"}
"""All that are reacted to."""


def react(
    dispatcher: Dispatcher, published: Published, action: str, project_id: int, body: dict[str, Any]
) -> str | None:
    """Enqueue what the event asks for; returns the id of a retrain that was asked for outright.

    published: tells the version Label Studio should be ordering by. Annotations count towards the next
    retrain; new and deleted tasks only need the published queue to be brought up to date.
    """
    if action not in EVENTS:
        return None
    if action == "START_TRAINING":  # sent along a connection, by somebody who wants it
        return dispatcher.insist_on_retrain(project_id)
    if action in ANNOTATION_EVENTS:  # first, with a single look at Redis: they come in bursts
        dispatcher.changed(project_id, _how_many(body.get("annotations") or body.get("annotation")))
    elif dispatcher.state(project_id).disconnected:  # a webhook stays when its connection is deleted
        return None
    elif action == "TASKS_CREATED":
        _tasks_created(dispatcher, published, project_id, body.get("tasks"))
    elif action == "TASKS_DELETED":
        dispatcher.changed(project_id, _how_many(body.get("tasks")))
        dispatcher.request_refill(project_id)
    elif action == "PROJECT_UPDATED" and isinstance(body.get("project"), dict):
        return _project_updated(dispatcher, published, project_id, body["project"])
    return None


def _tasks_created(dispatcher: Dispatcher, published: Published, project_id: int, tasks: Any) -> None:
    """Imported tasks may bring annotations along, of which no other event tells."""
    imported = tasks if isinstance(tasks, list) else []
    annotated = sum(bool(task.get("total_annotations")) for task in imported if isinstance(task, dict))
    if annotated:
        dispatcher.changed(project_id, annotated)
    if published() is None:
        dispatcher.request_retrain(project_id)
    else:
        dispatcher.request_refill(project_id)


def _project_updated(
    dispatcher: Dispatcher, published: Published, project_id: int, project: dict[str, Any]
) -> str | None:
    """Each publication comes back as this event too: only what is not as we left it is news."""
    known = dispatcher.state(project_id).label_config
    if known is not None and project.get("label_config") != known:
        return dispatcher.insist_on_retrain(project_id)
    version = published()
    # A settings page put an old version back, or emptied it; or had overlap served first, maybe just now.
    if version is not None and (project.get("model_version") != version or project.get("show_overlap_first")):
        dispatcher.request_refill(project_id)
    return None


def _how_many(things: Any) -> int:
    return len(things) if isinstance(things, list) and things else 1
