"""What each of Label Studio's webhooks asks for. All are hints: the jobs read the truth themselves.

Those that `connect` registers have no payload. What the payload would have said is then read by a job.
"""

from __future__ import annotations

from typing import Any

from backend.jobs.asked_again import AskedAgain
from backend.jobs.dispatch import SETTINGS, TASKS, Dispatcher
from backend.jobs.settled import Published, Settled, heed_settings

OF_ONE = {"ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"}
"""Told of one annotation, mostly: the last also when an annotator takes one back."""
ANNOTATION_EVENTS = OF_ONE | {"ANNOTATIONS_CREATED"}
EVENTS = ANNOTATION_EVENTS | {"TASKS_CREATED", "TASKS_DELETED", "START_TRAINING", "PROJECT_UPDATED"}
"""All that are reacted to."""


def react(
    dispatcher: Dispatcher, published: Published, action: str, project_id: int, body: dict[str, Any]
) -> str | None:
    """Enqueue what the event asks for; returns the id of a retrain that was asked for outright.

    Annotations count towards the next retrain; new and deleted tasks only need the published queue to be
    brought up to date.
    """
    if action not in EVENTS:
        return None
    if action == "START_TRAINING":  # sent along a connection, by somebody who wants it
        if dispatcher.state(project_id).wraps is not None:
            dispatcher.request_training(project_id)
        return dispatcher.insist_on_retrain(project_id)
    if action in ANNOTATION_EVENTS:  # first, with a single look at Redis: they come in bursts
        _annotated(dispatcher, action, project_id, body)
    elif dispatcher.state(project_id).disconnected:  # a webhook stays when its connection is deleted
        return None
    elif action == "TASKS_CREATED":
        _tasks_created(dispatcher, published, project_id, body)
    elif action == "TASKS_DELETED":
        dispatcher.changed(project_id, _how_many(body.get("tasks")))
        dispatcher.request_refill(project_id)
    elif isinstance(project := body.get("project"), dict):
        names = ("label_config", "model_version", "show_overlap_first")
        found = Settled(*(project.get(name) for name in names))
        if not found.serves_overlap_first and AskedAgain(dispatcher.redis, project_id).waits:
            dispatcher.request_look(project_id, SETTINGS)
        return heed_settings(dispatcher, published, project_id, found)
    else:
        dispatcher.request_look(project_id, SETTINGS)
    return None


def _annotated(dispatcher: Dispatcher, action: str, project_id: int, body: dict[str, Any]) -> None:
    things = body.get("annotations") or body.get("annotation")
    if things is None and action not in OF_ONE:
        dispatcher.changed_in_bulk(project_id)
    else:
        dispatcher.changed(project_id, _how_many(things))


def _tasks_created(
    dispatcher: Dispatcher, published: Published, project_id: int, body: dict[str, Any]
) -> None:
    """Imported tasks may bring annotations along, of which no other event tells."""
    tasks = body.get("tasks")
    if "tasks" not in body:
        dispatcher.request_look(project_id, TASKS)
    imported = tasks if isinstance(tasks, list) else []
    annotated = sum(bool(task.get("total_annotations")) for task in imported if isinstance(task, dict))
    if annotated:
        dispatcher.changed(project_id, annotated)
    if published() is None:
        dispatcher.request_retrain(project_id)
    elif "tasks" in body:
        dispatcher.request_refill(project_id)


def _how_many(things: Any) -> int:
    return len(things) if isinstance(things, list) and things else 1
