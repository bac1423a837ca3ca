"""As much of Label Studio 1.23.2 as this backend's client calls, in memory.

For unit tests of whole jobs, for loads that a real one on SQLite could not stand, and for answers that a
real one does not give. What it does was seen at a real one; `tests/e2e/test_fake.py` compares the two.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any

from flask import Request
from werkzeug.wrappers import Response

from tests.fakes.project import CONFIG, FakeProject
from tests.fakes.rows import Json

DEFAULTS = {
    "label_config": CONFIG,
    "model_version": None,
    "sampling": "Sequential sampling",
    "show_collab_predictions": True,
    "maximum_annotations": 1,
    "overlap_cohort_percentage": 100,
    "show_overlap_first": False,
    "skip_queue": "REQUEUE_FOR_OTHERS",
}
CONNECTION = {"url": "", "state": "ER", "error_message": None, "auto_update": True, "extra_params": None}
"""One of which no /setup tells: this Label Studio does not know where the backend is."""

WEBHOOK = {
    "send_payload": True,
    "send_for_all_actions": True,
    "headers": {},
    "actions": [],
    "is_active": True,
}


class Refused(Exception):
    """Label Studio answers 400 with this text."""


class FakeLabelStudio:
    """The state of all projects, and what a person does in Label Studio. Every method is atomic.

    before: looks at each request first, and may answer it in Label Studio's place.
    requests: method and path of the last requests; handed_out: tasks in listings so far;
    sent: the last webhooks' payloads.
    reach: asks a connection's backend, as each listing does; returns the state that is listed.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.projects: dict[int, FakeProject] = {}
        self.before: Callable[[Request], Response | None] | None = None
        self.requests: deque[str] = deque(maxlen=1000)
        self.handed_out = 0
        self.sent: deque[Json] = deque(maxlen=1000)
        self.deliver: Callable[[Json, Json], None] = lambda webhook, payload: None
        self.reach: Callable[[FakeProject, Json], str] = lambda project, connection: connection["state"]
        self._ids = count(1)
        self._last = datetime(2026, 1, 1, tzinfo=timezone.utc)

    def create(
        self,
        texts: Sequence[str | Json] = (),
        project_id: int | None = None,
        *,
        connected: bool = True,
        **settings: Any,
    ) -> FakeProject:
        """A project with a task for each text (or task's data), connected to a backend unless told not."""
        with self.lock:
            project_id = project_id or max(self.projects, default=0) + 1
            changed = {"title": f"project {project_id}", **DEFAULTS, **settings}
            project = self.projects[project_id] = FakeProject(project_id, changed)
            if connected:
                self.connect(project_id)
            self.add_tasks(project_id, texts)
            return project

    def connect(self, project_id: int, **changes: Any) -> Json:
        with self.lock:
            project = self.projects[project_id]
            connection = {"id": next(self._ids), "title": "atlas", **CONNECTION, **changes}
            project.connections[connection["id"]] = connection
            return connection

    def add_webhook(self, project: int, url: str, **changes: Any) -> Json:
        with self.lock:
            webhook = {"id": next(self._ids), "project": project, "url": url, **WEBHOOK, **changes}
            self.projects[project].webhooks[webhook["id"]] = webhook
            return webhook

    def add_tasks(self, project_id: int, texts: Sequence[str | Json]) -> list[int]:
        """Returns the new tasks' ids."""
        with self.lock:
            project, made = self.projects[project_id], []
            for text in texts:
                task_id = next(self._ids)
                project.tasks[task_id] = {
                    "id": task_id,
                    "data": {"text": text} if isinstance(text, str) else text,
                    "meta": {},
                    "project": project_id,
                    "created_at": self._now(),
                    "updated_at": self._now(),
                    "completed_at": None,
                    "overlap": project.settings["maximum_annotations"],
                }
                project.count_again(task_id)
                made.append(task_id)
            if made:
                self._send(project, "TASKS_CREATED", tasks=[dict(project.tasks[task]) for task in made])
            return made

    def annotate(
        self, project_id: int, task_id: int, result: str | list[Json], *, user: int = 1, **changes: Any
    ) -> Json:
        """result: regions, or a choice of the control `label`. Returns the webhook that tells of it."""
        with self.lock:
            project = self.projects[project_id]
            regions = [choice(result)] if isinstance(result, str) else result
            annotation = project.annotations.add(
                {
                    "id": next(self._ids),
                    "task": task_id,
                    "project": project_id,
                    "result": regions,
                    "was_cancelled": False,
                    "ground_truth": False,
                    "completed_by": user,
                    "created_at": self._now(),
                    "updated_at": self._now(),
                    **changes,
                }
            )
            return self._annotated(project, "ANNOTATION_CREATED", annotation)

    def skip(self, project_id: int, task_id: int, *, user: int = 1) -> Json:
        return self.annotate(project_id, task_id, [], user=user, was_cancelled=True)

    def change_annotation(self, project_id: int, annotation_id: int, **changes: Any) -> Json:
        with self.lock:
            project = self.projects[project_id]
            annotation = project.annotations.get(annotation_id)
            assert annotation is not None
            annotation |= {**changes, "updated_at": self._now()}
            return self._annotated(project, "ANNOTATION_UPDATED", annotation)

    def delete_annotation(self, project_id: int, annotation_id: int) -> None:
        with self.lock:
            project = self.projects[project_id]
            annotation = project.annotations.remove(annotation_id)
            self._touch(project, annotation["task"])
            self._send(project, "ANNOTATIONS_DELETED", annotations=[{"id": annotation_id}])

    def change_task(self, project_id: int, task_id: int, **changes: Any) -> None:
        """Label Studio sends no webhook of it."""
        with self.lock:
            self.projects[project_id].tasks[task_id] |= {**changes, "updated_at": self._now()}

    def delete_task(self, project_id: int, task_id: int) -> None:
        with self.lock:
            project = self.projects[project_id]
            del project.tasks[task_id]
            for rows in (project.annotations, project.predictions):
                for row in rows.of(task_id):
                    rows.remove(row["id"])
            self._send(project, "TASKS_DELETED", tasks=[{"id": task_id}])

    def change_project(self, project_id: int, **changes: Any) -> None:
        """Raises Refused for a model version that it has not."""
        with self.lock:
            project = self.projects[project_id]
            version = changes.get("model_version")
            if version and not project.is_version(version):
                raise Refused("Model version doesn't exist either as live model or as static predictions.")
            if changes.get("show_collab_predictions") is False:  # what a Save with prelabelling off does
                project.settings["model_version"] = ""
            if "maximum_annotations" in changes:
                for task in project.tasks.values():
                    task["overlap"] = changes["maximum_annotations"]
            project.settings |= changes
            for task_id in project.tasks:
                project.count_again(task_id)
            self._send(project, "PROJECT_UPDATED")

    def spread(self, project_id: int) -> None:
        """As if the tasks had come, or been labelled, a minute apart, the last an hour ago."""
        with self.lock:
            tasks = self.projects[project_id].tasks.values()
            for minutes, task in enumerate(reversed(tasks), 60):
                moment = datetime.now(timezone.utc) - timedelta(minutes=minutes)
                task["updated_at"] = _stamp(moment)

    def import_predictions(self, project_id: int, items: list[Json]) -> int:
        """How many were kept: what does not fit is dropped. Raises Refused, and keeps none, when a task is
        gone."""
        with self.lock:
            project = self.projects[project_id]
            if gone := [item for item in items if item.get("task") not in project.tasks]:
                raise Refused(
                    f'{gone[0]} contains invalid "task" field: corresponding task ID couldn\'t be retrieved'
                )
            kept = project.fitting(items)
            for item in kept:
                version = item.get("model_version", "undefined")
                self._predict(project, item, None if version is None else str(version), cluster=None)
            return len(kept)

    def save_prediction(self, project_id: int, item: Json) -> Json:
        """A single one, stored unchecked and with its cluster; counts as a change of the task."""
        with self.lock:
            project = self.projects[project_id]
            prediction = self._predict(
                project, item, str(item.get("model_version", "")), cluster=item.get("cluster")
            )
            self._touch(project, item["task"])
            return prediction

    def change_prediction(self, project_id: int, prediction_id: int, **changes: Any) -> Json:
        """Counts as a change of its task."""
        with self.lock:
            project = self.projects[project_id]
            prediction = project.predictions.get(prediction_id)
            assert prediction is not None
            prediction |= changes
            self._touch(project, prediction["task"])
            return prediction

    def _predict(self, project: FakeProject, item: Json, version: str | None, cluster: int | None) -> Json:
        return project.predictions.add(
            {
                "id": next(self._ids),
                "task": item["task"],
                "project": project.id,
                "result": item["result"],
                "score": item.get("score"),
                "model_version": version,
                "cluster": cluster,
            }
        )

    def delete_version(self, project_id: int, version: str) -> int:
        """How many predictions went. Deleting the current version leaves the project without one."""
        with self.lock:
            project = self.projects[project_id]
            gone = [each["id"] for each in project.predictions if each["model_version"] == version]
            for prediction_id in gone:
                project.predictions.remove(prediction_id)
            titles = {each["title"] for each in project.connections.values()}
            if project.settings["model_version"] in {version, *titles}:
                project.settings["model_version"] = None
            return len(gone)

    def next_task(self, project_id: int, user: int = 1) -> int | None:
        with self.lock:
            queue = self.projects[project_id].queue(user)
            return queue[0] if queue else None

    def _annotated(self, project: FakeProject, action: str, annotation: Json) -> Json:
        self._touch(project, annotation["task"])
        task = dict(project.tasks[annotation["task"]])
        return self._send(project, action, annotation=dict(annotation), task=task)

    def _touch(self, project: FakeProject, task_id: int) -> None:
        project.count_again(task_id)
        project.tasks[task_id]["updated_at"] = self._now()

    def _send(self, project: FakeProject, action: str, **more: Any) -> Json:
        """To all webhooks that want it; where one asks for no payload, the action alone."""
        payload = {"action": action, **more, "project": project.shown()}
        self.sent.append(payload)
        for webhook in project.webhooks.values():
            if webhook["is_active"] and (webhook["send_for_all_actions"] or action in webhook["actions"]):
                self.deliver(webhook, payload if webhook["send_payload"] else {"action": action})
        return payload

    def _now(self) -> str:
        """Never the same twice."""
        now = datetime.now(timezone.utc)
        self._last = max(now, self._last + timedelta(microseconds=1))
        return _stamp(self._last)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def choice(label: str, control: str = "label", to_name: str = "text") -> Json:
    """A region as the editor makes it."""
    return {"from_name": control, "to_name": to_name, "type": "choices", "value": {"choices": [label]}}
