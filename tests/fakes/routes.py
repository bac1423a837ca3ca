"""The fake Label Studio's HTTP side: as much of its API as this backend calls."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.local import LocalProxy

from tests.fakes import queries
from tests.fakes.label_studio import FakeLabelStudio, Refused
from tests.fakes.project import FakeProject
from tests.fakes.tabs import add_tabs

VERSION = "1.23.2"


def create_app(shown: Callable[[], FakeLabelStudio]) -> Flask:
    """shown: gives the one that answers the next request."""
    app = Flask("fake_label_studio")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    state: Any = LocalProxy(lambda: g.shown)

    @app.before_request
    def note() -> Any:
        g.shown = shown()
        state.requests.append(f"{request.method} {request.path}")
        return state.before(request) if state.before else None

    @app.errorhandler(HTTPException)
    def not_found(error: HTTPException) -> tuple[Response, int]:
        return problem(error.code or 500, error.description or "")

    @app.errorhandler(Refused)
    def refused(error: Refused) -> tuple[Response, int]:
        return problem(400, "Validation error", validation_errors={"non_field_errors": [str(error)]})

    groups = (_add_server, _add_projects, _add_tasks, _add_annotations, _add_predictions, _add_connections)
    for add in (*groups, _add_webhooks, add_tabs):
        group = Blueprint(add.__name__, __name__)
        add(group, state)
        app.register_blueprint(group)
    return app


def problem(status: int, detail: str, **more: Any) -> tuple[Response, int]:
    """An error in the form that every one of Label Studio's API has."""
    body = {"id": str(uuid.uuid4()), "status_code": status, "version": VERSION, "detail": detail}
    return jsonify({**body, "exc_info": None, **more}), status


def _found(state: FakeLabelStudio, project_id: int) -> FakeProject:
    if project_id not in state.projects:
        raise NotFound("No Project matches the given query.")
    return state.projects[project_id]


def _holding(state: FakeLabelStudio, rows: str, row_id: int) -> FakeProject:
    """The project whose tasks, annotations, predictions ... have this id."""
    for project in list(state.projects.values()):
        kept: Any = getattr(project, rows)
        if kept.get(row_id) is not None:
            return project
    raise NotFound(f"No {rows.capitalize()[:-1]} matches the given query.")


def _body() -> Any:
    return request.get_json(force=True)


def _add_server(app: Blueprint, state: FakeLabelStudio) -> None:
    @app.get("/health")
    def health() -> Response:
        return jsonify({"status": "UP"})

    @app.get("/api/version")
    def version() -> Response:
        return jsonify({"release": VERSION, "label-studio-os-package": {"version": VERSION}})

    @app.get("/api/current-user/whoami")
    def whoami() -> Response:
        return jsonify({"id": 1, "email": "a@example.com"})

    @app.post("/api/token/refresh/")
    def refresh() -> Response:
        return jsonify({"access": _body()["refresh"]})


def _add_projects(app: Blueprint, state: FakeLabelStudio) -> None:
    @app.post("/api/projects/")
    def create() -> tuple[Response, int]:
        return jsonify(state.create(connected=False, **_body()).shown()), 201

    @app.get("/api/projects/<int:project_id>/")
    def project(project_id: int) -> Response:
        with state.lock:
            shown = _found(state, project_id).shown()
        wanted = request.args.get("include", "")
        return jsonify({key: shown[key] for key in wanted.split(",")} if wanted else shown)

    @app.patch("/api/projects/<int:project_id>/")
    def change(project_id: int) -> Response:
        project = _found(state, project_id)
        state.change_project(project_id, **_body())
        return jsonify(project.shown())

    @app.delete("/api/projects/<int:project_id>/")
    def delete(project_id: int) -> tuple[str, int]:
        _found(state, project_id)
        del state.projects[project_id]
        return "", 204

    @app.post("/api/projects/<int:project_id>/import")
    def import_tasks(project_id: int) -> tuple[Response, int]:
        _found(state, project_id)
        ids = state.add_tasks(project_id, [item.get("data", item) for item in _body()])
        return jsonify({"task_count": len(ids), "task_ids": ids}), 201

    @app.get("/api/projects/<int:project_id>/next")
    def serve(project_id: int) -> Response:
        project = _found(state, project_id)
        task = state.next_task(project_id)
        if task is None:
            raise NotFound("There are no tasks for a@example.com")
        return jsonify(project.task_shown(task, whole=True))


def _add_tasks(app: Blueprint, state: FakeLabelStudio) -> None:
    @app.get("/api/tasks")
    def tasks() -> Any:
        asked = request.args
        project = _found(state, int(asked["project"]))
        with state.lock:
            found = queries.find(project, json.loads(asked.get("query") or "{}"))
            chosen = queries.page(found, int(asked.get("page", 1)), int(asked.get("page_size", 100)))
            if chosen is None:
                return problem(404, "Invalid page.")
            whole = asked.get("fields") == "all"
            rows = [project.task_shown(task, whole=whole) for task in chosen]
            state.handed_out += len(rows)
        if include := asked.get("include"):
            rows = [{key: row[key] for key in include.split(",")} for row in rows]
        counts = {
            "total": len(found),
            "total_annotations": len(project.annotations),
            "total_predictions": len(project.predictions),
        }
        return jsonify({"tasks": rows, **counts})

    @app.get("/api/tasks/<int:task_id>/")
    def task(task_id: int) -> Response:
        return jsonify(_holding(state, "tasks", task_id).task_shown(task_id, whole=True))

    @app.patch("/api/tasks/<int:task_id>/")
    def change(task_id: int) -> Response:
        project = _holding(state, "tasks", task_id)
        state.change_task(project.id, task_id, **_body())
        return jsonify(project.task_shown(task_id, whole=True))

    @app.delete("/api/tasks/<int:task_id>/")
    def delete(task_id: int) -> tuple[str, int]:
        state.delete_task(_holding(state, "tasks", task_id).id, task_id)
        return "", 204


def _add_annotations(app: Blueprint, state: FakeLabelStudio) -> None:
    @app.post("/api/tasks/<int:task_id>/annotations/")
    def create(task_id: int) -> tuple[Response, int]:
        project, body = _holding(state, "tasks", task_id), _body()
        state.annotate(project.id, task_id, body.pop("result"), **body)
        return jsonify(project.annotations.of(task_id)[-1]), 201

    @app.patch("/api/annotations/<int:annotation_id>/")
    def change(annotation_id: int) -> Response:
        project = _holding(state, "annotations", annotation_id)
        state.change_annotation(project.id, annotation_id, **_body())
        return jsonify(project.annotations.get(annotation_id))

    @app.delete("/api/annotations/<int:annotation_id>/")
    def delete(annotation_id: int) -> tuple[str, int]:
        state.delete_annotation(_holding(state, "annotations", annotation_id).id, annotation_id)
        return "", 204


def _add_predictions(app: Blueprint, state: FakeLabelStudio) -> None:
    @app.post("/api/projects/<int:project_id>/import/predictions")
    def import_predictions(project_id: int) -> tuple[Response, int]:
        _found(state, project_id)
        return jsonify({"created": state.import_predictions(project_id, _body())}), 201

    @app.get("/api/projects/<int:project_id>/model-versions/")
    def versions(project_id: int) -> Response:
        with state.lock:
            project = _found(state, project_id)
            if "extended" not in request.args:
                return jsonify(project.version_sizes())
            sizes = project.version_sizes()
            static = [{"model_version": name, "count": size} for name, size in sizes.items() if size]
            return jsonify({"static": static, "live": list(project.connections.values())})

    @app.delete("/api/projects/<int:project_id>/model-versions/")
    def delete_version(project_id: int) -> Response:
        _found(state, project_id)
        return jsonify({"deleted_predictions": state.delete_version(project_id, _body()["model_version"])})

    @app.get("/api/predictions/")
    def predictions() -> Response:
        with state.lock:
            if "task" in request.args:
                task_id = int(request.args["task"])
                return jsonify(_holding(state, "tasks", task_id).predictions.of(task_id))
            return jsonify(list(_found(state, int(request.args["project"])).predictions))

    @app.post("/api/predictions/")
    def create() -> tuple[Response, int]:
        body = _body()
        return jsonify(state.save_prediction(_holding(state, "tasks", body["task"]).id, body)), 201

    @app.patch("/api/predictions/<int:prediction_id>/")
    def change(prediction_id: int) -> Response:
        project = _holding(state, "predictions", prediction_id)
        return jsonify(state.change_prediction(project.id, prediction_id, **_body()))

    @app.delete("/api/predictions/<int:prediction_id>/")
    def delete(prediction_id: int) -> tuple[str, int]:
        with state.lock:
            _holding(state, "predictions", prediction_id).predictions.remove(prediction_id)
        return "", 204


def _add_connections(app: Blueprint, state: FakeLabelStudio) -> None:
    @app.get("/api/ml")
    def connections() -> Response:
        project = _found(state, int(request.args["project"]))
        for connection in project.connections.values():
            before = dict(connection)
            reached = state.reach(project, connection)
            connection |= {**before, "state": reached}  # as the real one: what was saved meanwhile is lost
        return jsonify(list(project.connections.values()))

    @app.post("/api/ml")
    def connect() -> tuple[Response, int]:
        body = _body()
        project = _found(state, body["project"])
        made = state.connect(project.id, **{"title": "default", **body})
        made["state"] = state.reach(project, made)
        if not project.settings["model_version"]:
            project.settings["model_version"] = made["title"]
        return jsonify(made), 201

    @app.patch("/api/ml/<int:connection_id>")
    def change(connection_id: int) -> Response:
        project = _holding(state, "connections", connection_id)
        connection = project.connections[connection_id]
        connection |= _body()
        connection["state"] = state.reach(project, connection)
        return jsonify(connection)

    @app.delete("/api/ml/<int:connection_id>")
    def delete(connection_id: int) -> tuple[str, int]:
        project = _holding(state, "connections", connection_id)
        gone = project.connections.pop(connection_id)
        if project.settings["model_version"] == gone["title"]:
            project.settings["model_version"] = ""
        return "", 204


def _add_webhooks(app: Blueprint, state: FakeLabelStudio) -> None:
    @app.get("/api/webhooks/")
    def webhooks() -> Response:
        return jsonify(list(_found(state, int(request.args["project"])).webhooks.values()))

    @app.post("/api/webhooks/")
    def create() -> tuple[Response, int]:
        return jsonify(state.add_webhook(**_body())), 201

    @app.patch("/api/webhooks/<int:webhook_id>/")
    def change(webhook_id: int) -> Response:
        webhook = _holding(state, "webhooks", webhook_id).webhooks[webhook_id]
        webhook |= _body()
        return jsonify(webhook)

    @app.delete("/api/webhooks/<int:webhook_id>/")
    def delete(webhook_id: int) -> tuple[str, int]:
        del _holding(state, "webhooks", webhook_id).webhooks[webhook_id]
        return "", 204
