"""As much of Label Studio as the backend's client calls, in memory: for loads that a real one on SQLite
could not stand, and for answers that a real one does not give.

python -m benchmarks.load.fake_label_studio PORT
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from werkzeug.serving import make_server

CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    '<Choice value="disaster"/><Choice value="other"/></Choices></View>'
)


@dataclass
class FakeProject:
    id: int
    label_config: str = CONFIG
    model_version: str | None = None
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    predictions: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    """By task."""

    def seen(self) -> dict[str, Any]:
        """As `GET /api/projects/{id}` answers."""
        annotations = sum(len(task["annotations"]) for task in self.tasks.values())
        return {
            "id": self.id,
            "title": f"project {self.id}",
            "label_config": self.label_config,
            "model_version": self.model_version,
            "show_collab_predictions": True,
            "task_number": len(self.tasks),
            "total_annotations_number": annotations,
            "finished_task_number": sum(task["is_labeled"] for task in self.tasks.values()),
            "total_predictions_number": sum(map(len, self.predictions.values())),
            "skipped_annotations_number": 0,
            "ground_truth_number": 0,
        }

    def versions(self) -> dict[str, int]:
        return dict(Counter(p["model_version"] for items in self.predictions.values() for p in items))


class FakeLabelStudio:
    """The state of all projects. Every method is atomic."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._projects: dict[int, FakeProject] = {}
        self._annotations = 0
        self._tasks = 0

    def project(self, project_id: int) -> FakeProject:
        try:
            return self._projects[project_id]
        except KeyError:
            abort(404)

    def create(self, project_id: int, texts: list[str]) -> list[int]:
        """Returns the tasks' ids."""
        with self._lock:
            project = self._projects[project_id] = FakeProject(project_id)
            for text in texts:
                self._tasks += 1
                project.tasks[self._tasks] = {
                    "id": self._tasks,
                    "data": {"text": text},
                    "updated_at": _now(),
                    "is_labeled": False,
                    "annotations": [],
                    "total_annotations": 0,
                    "cancelled_annotations": 0,
                }
            return list(project.tasks)

    def annotate(self, project_id: int, task_id: int, label: str) -> dict[str, Any]:
        """One annotation of the task, in place of any before; returns the webhook that tells of it."""
        with self._lock:
            project = self.project(project_id)
            task = project.tasks[task_id]
            self._annotations += 1
            value = {"choices": [label]}
            region = {"from_name": "label", "to_name": "text", "type": "choices", "value": value}
            annotation = {
                "id": self._annotations,
                "result": [region],
                "was_cancelled": False,
                "ground_truth": False,
                "completed_by": 1,
                "created_at": _now(),
            }
            task |= {"annotations": [annotation], "total_annotations": 1, "is_labeled": True}
            task["updated_at"] = _now()
            shown = {key: value for key, value in task.items() if key != "annotations"}
            return {
                "action": "ANNOTATION_CREATED",
                "annotation": annotation,
                "task": shown,
                "project": project.seen(),
            }

    def import_predictions(self, project_id: int, predictions: list[dict[str, Any]]) -> int | None:
        """How many; None, and nothing is kept, when a task is gone."""
        with self._lock:
            project = self.project(project_id)
            if any(item["task"] not in project.tasks for item in predictions):
                return None
            for item in predictions:
                project.predictions.setdefault(item["task"], []).append(item)
            return len(predictions)

    def delete_version(self, project_id: int, name: str) -> int:
        with self._lock:
            project = self.project(project_id)
            before = sum(map(len, project.predictions.values()))
            for task, items in project.predictions.items():
                project.predictions[task] = [item for item in items if item["model_version"] != name]
            return before - sum(map(len, project.predictions.values()))

    def list_tasks(self, project_id: int, query: dict[str, Any], page: int, size: int) -> dict[str, Any]:
        with self._lock:
            project = self.project(project_id)
            found = [task for task in project.tasks.values() if _matches(project, task, query)]
            if query.get("ordering") == ["-tasks:updated_at"]:
                found.sort(key=lambda task: task["updated_at"], reverse=True)
            return {"tasks": found[(page - 1) * size : page * size], "total": len(found)}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")


def _matches(project: FakeProject, task: dict[str, Any], query: dict[str, Any]) -> bool:
    for item in query.get("filters", {}).get("items", []):
        column, value = item["filter"].removeprefix("filter:tasks:"), item["value"]
        if column == "predictions_model_versions":
            if not any(p["model_version"] in value for p in project.predictions.get(task["id"], [])):
                return False
        elif not task[column] > value:  # the client asks for "greater" alone, besides
            return False
    return True


def create_app(state: FakeLabelStudio) -> Flask:
    app = Flask("fake_label_studio")

    @app.get("/health")
    def health() -> Response:
        return jsonify({"status": "UP"})

    @app.get("/api/projects/<int:project_id>/")
    def project(project_id: int) -> Response:
        return jsonify(state.project(project_id).seen())

    @app.patch("/api/projects/<int:project_id>/")
    def switch(project_id: int) -> Response:
        found = state.project(project_id)
        found.model_version = request.get_json().get("model_version", found.model_version)
        return jsonify(found.seen())

    @app.get("/api/tasks")
    def tasks() -> Response:
        told = request.args
        query = json.loads(told.get("query", "{}"))
        page = state.list_tasks(int(told["project"]), query, int(told["page"]), int(told["page_size"]))
        wanted = told.get("include", "").split(",") if told.get("include") else None
        if wanted is not None:
            page["tasks"] = [{key: task[key] for key in wanted} for task in page["tasks"]]
        return jsonify(page)

    @app.post("/api/projects/<int:project_id>/import/predictions")
    def import_predictions(project_id: int) -> tuple[Response, int]:
        created = state.import_predictions(project_id, request.get_json())
        if created is None:
            return jsonify({"detail": "a task is gone"}), 400
        return jsonify({"created": created}), 201

    @app.get("/api/projects/<int:project_id>/model-versions/")
    def versions(project_id: int) -> Response:
        return jsonify(state.project(project_id).versions())

    @app.delete("/api/projects/<int:project_id>/model-versions/")
    def delete_version(project_id: int) -> Response:
        deleted = state.delete_version(project_id, request.get_json()["model_version"])
        return jsonify({"deleted_predictions": deleted})

    @app.get("/api/ml")
    def connections() -> Response:
        """One, of which no /setup tells: this Label Studio does not know where the backend is."""
        return jsonify([{"id": 1, "state": "ER", "auto_update": True, "extra_params": None}])

    @app.post("/load/projects/<int:project_id>")
    def create(project_id: int) -> Response:
        return jsonify(state.create(project_id, request.get_json()))

    @app.post("/load/projects/<int:project_id>/tasks/<int:task_id>")
    def annotate(project_id: int, task_id: int) -> Response:
        return jsonify(state.annotate(project_id, task_id, request.get_json()))

    return app


def main(port: int) -> None:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    make_server("127.0.0.1", port, create_app(FakeLabelStudio()), threaded=True).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
