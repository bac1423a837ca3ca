"""The routes Label Studio calls, by the shapes it uses."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import BadRequest

from backend import __version__
from backend.errors import LabelConfigError
from backend.jobs.dispatch import Dispatcher
from backend.jobs.state import known_projects
from backend.labelstudio.scheme import parse_label_config
from backend.predicting import Predictor
from backend.settings import Settings

logger = logging.getLogger(__name__)

protocol = Blueprint("protocol", __name__)

ANNOTATION_EVENTS = {
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
}
TASK_EVENTS = {"TASKS_CREATED", "TASKS_DELETED"}


@protocol.route("/", methods=["GET"])
@protocol.route("/health", methods=["GET"])
def health() -> Response:
    """Alive. Touches nothing, so that it answers within Label Studio's second."""
    return jsonify({"status": "UP", "name": "label-studio-atlas", "version": __version__})


@protocol.route("/setup", methods=["POST"])
def setup() -> Response:
    """Label Studio connects, or shows a page of the project. 4xx with a reason where we cannot learn."""
    body = _body()
    project_id = _project_id(body.get("project"))
    parse_label_config(body.get("schema"))
    _settings().api_key  # noqa: B018  raises NotConfigured, which Label Studio shows on connecting
    version = _predictor().version_of(project_id)
    if version is None:
        _dispatcher().request_retrain(project_id)  # a first order, before any label
        return jsonify({})
    return jsonify({"model_version": version})


@protocol.route("/predict", methods=["POST"])
def predict() -> Response:
    """One prediction per task, in order; `{"results": []}`, which Label Studio takes for "none", otherwise.

    Label Studio calls this while it builds a task page, and an error here breaks that page. So whatever
    goes wrong on our side is logged and answered with "none".
    """
    body = _body()
    tasks = body.get("tasks")
    if not isinstance(tasks, list):
        raise BadRequest('The body needs "tasks", a list.')
    project_id = _project_id(body.get("project"))
    try:
        scheme = parse_label_config(body.get("label_config"))
        results = _predictor().predict(project_id, scheme, tasks)
    except LabelConfigError:
        results = []
    except Exception:
        logger.exception("project %d: cannot predict", project_id)
        results = []
    return jsonify({"results": results})


@protocol.route("/webhook", methods=["POST"])
def webhook() -> tuple[Response, int]:
    """Something changed in Label Studio: note it, enqueue, done. Only a hint: the job reads the truth."""
    body = _body()
    action = body.get("action")
    project = body.get("project")
    if isinstance(project, dict):
        project_ids = [_project_id(project.get("id"))]
    else:  # a webhook without payload does not say which project
        project_ids = known_projects(_dispatcher().redis)
    answer = {}
    for project_id in project_ids:
        job = _react(str(action), project_id, body)
        if job is not None:
            answer["job"] = job
    return jsonify(answer), 201


def _react(action: str, project_id: int, body: dict[str, Any]) -> str | None:
    """Returns the id of the retrain that was asked for, if one was."""
    dispatcher = _dispatcher()
    if action in ANNOTATION_EVENTS:
        many = body.get("annotations") or body.get("annotation")
        dispatcher.changed(project_id, len(many) if isinstance(many, list) and many else 1)
        return None
    if action in TASK_EVENTS or action == "START_TRAINING" or _label_config_changed(action, project_id, body):
        dispatcher.state(project_id).note_changes(1)
        return dispatcher.request_retrain(project_id)
    return None


def _label_config_changed(action: str, project_id: int, body: dict[str, Any]) -> bool:
    """Each publication comes back as PROJECT_UPDATED; only another label config is news."""
    project = body.get("project")
    if action != "PROJECT_UPDATED" or not isinstance(project, dict):
        return False
    known = _dispatcher().state(project_id).label_config
    return known is not None and project.get("label_config") != known


def _body() -> dict[str, Any]:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    return body


def _project_id(project: object) -> int:
    """Label Studio writes "{id}.{created_at}" in /setup and /predict, a number in webhooks."""
    number = str(project).split(".")[0]
    if isinstance(project, bool) or not number.isascii() or not number.isdigit() or len(number) > 18:
        raise BadRequest('The body needs "project", the id of a Label Studio project.')
    return int(number)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _dispatcher() -> Dispatcher:
    dispatcher: Dispatcher = current_app.extensions["dispatcher"]
    return dispatcher


def _predictor() -> Predictor:
    predictor: Predictor = current_app.extensions["predictor"]
    return predictor
