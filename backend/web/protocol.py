"""The routes Label Studio calls, by the shapes it uses."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import BadRequest, NotFound, ServiceUnavailable

from backend import __version__
from backend.errors import LabelConfigError, TooLarge, UnknownStrategy
from backend.guessing import LIKELIEST
from backend.jobs.dispatch import Dispatcher
from backend.jobs.state import known_projects
from backend.jobs.status import job_status
from backend.labelstudio.connection import strategy_in
from backend.labelstudio.label_config import parse_label_config
from backend.predicting import Predictor
from backend.sampling import check_name
from backend.settings import Settings
from backend.store.places import stored_projects
from backend.web.access import Door
from backend.web.events import EVENTS, react
from backend.web.limits import check_count, check_label_config, check_texts
from backend.web.pressure import Slots

logger = logging.getLogger(__name__)

protocol = Blueprint("protocol", __name__)


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
    check_label_config(_settings(), body.get("schema"))
    parse_label_config(body.get("schema"), _settings().queue_control)
    _settings().api_key  # noqa: B018  raises NotConfigured, which Label Studio shows on connecting
    _take_strategy(project_id, strategy_in(body.get("extra_params")))
    version = _predictor().version_of(project_id)
    if version is None:
        _dispatcher().request_retrain(project_id)  # a first order, before any label
        return jsonify({})
    return jsonify({"model_version": version})


def _take_strategy(project_id: int, strategy: str | None) -> None:
    """Order the project's queue by this strategy from now on. Raises UnknownStrategy, with a reason."""
    if strategy is not None:
        try:
            check_name(strategy)
        except ValueError as error:
            raise UnknownStrategy(f"extra params: {error}") from error
    dispatcher = _dispatcher()
    state = dispatcher.state(project_id)
    state.disconnected = False
    if state.strategy != strategy and not state.strategy_is_disputed:
        state.strategy = strategy
        dispatcher.demand_retrain(project_id)


@protocol.route("/predict", methods=["POST"])
def predict() -> Response:
    """One prediction per task, in order; `{"results": []}`, which Label Studio takes for "none", otherwise.

    Label Studio calls this while it builds a task page, for a batch of selected tasks, and for a region
    under an annotator's hand (`params.context`, which a whole text's class does not depend on). An error
    here would break that page, so whatever goes wrong on our side is logged and answered with "none".
    A script may ask for a stored `model_version` by name, 404 where that is not kept, and for the
    `probabilities` of all choices instead of the likeliest few.
    """
    body = _body()
    tasks = body.get("tasks")
    if not isinstance(tasks, list):
        raise BadRequest('The body needs "tasks", a list.')
    check_count(_settings(), tasks)
    check_label_config(_settings(), body.get("label_config"))
    project_id = _project_id(body.get("project"))
    version, likely = _asked_version(project_id, body), _asked_probabilities(body)
    with _slots().one():
        results = _results(project_id, body.get("label_config"), tasks, version, likely)
    return jsonify({"results": results})


def _results(
    project_id: int, label_config: Any, tasks: list[Any], version: str | None, likely: int | None
) -> list[Any]:
    try:
        scheme = parse_label_config(label_config, _settings().queue_control)
        check_texts(_settings(), scheme, tasks)
        return _predictor().predict(project_id, scheme, tasks, version, likely)
    except LabelConfigError:
        return []
    except TooLarge:
        raise
    except Exception:
        logger.exception("project %d: cannot predict", project_id)
        return []


@protocol.route("/versions", methods=["GET", "POST"])
def versions() -> Response:
    """The model versions kept, newest first: of one project where it is named, else of all (Label Studio
    asks without naming one)."""
    project = _told("project")
    return jsonify({"versions": _predictor().versions(None if project is None else _project_id(project))})


@protocol.route("/webhook", methods=["POST"])
def webhook() -> Response | tuple[Response, int]:
    """Something changed in Label Studio: note it, enqueue, done. Only a hint: the job reads the truth."""
    body = _body()
    action = body.get("action")
    project, named = body.get("project"), request.args.get("project")
    if isinstance(project, dict):
        projects = {_project_id(project.get("id"))}
    elif named is not None:  # as `connect` registers them: without payload, with the project in the address
        projects = {_project_id(named)}
    else:  # a webhook without payload does not say which project
        projects = {*known_projects(_dispatcher().redis), *stored_projects(_settings())}
    let_in = sorted(each for each in projects if _door().lets_in(each, str(action)))
    if projects and not let_in:
        return _door().refuse()
    is_of_one = isinstance(project, dict) or named is not None
    if is_of_one and str(action) in EVENTS and not all(map(_dispatcher().admits, let_in)):
        raise ServiceUnavailable("There are as many projects as MAX_PROJECTS allows.")
    answer = {}
    for project_id in let_in:
        published = partial(_predictor().version_of, project_id)
        job = react(_dispatcher(), published, str(action), project_id, body)
        if job is not None:
            answer["job"] = job
    return jsonify(answer), 201


@protocol.route("/train", methods=["POST"])
def train() -> tuple[Response, int]:
    """How older Label Studios start a training. The job reads the tasks itself; those sent are not used."""
    project_id = _project_id(_body().get("project"))
    return jsonify({"job": _dispatcher().insist_on_retrain(project_id)}), 201


@protocol.route("/job_status", methods=["GET", "POST"])
def status() -> Response | tuple[Response, int]:
    """State of a job by the id that /webhook or /train gave; 410 for one that is unknown or forgotten."""
    job_id = _told("job")
    if not isinstance(job_id, str):
        raise BadRequest('Say which job: /job_status?job=..., or a body with "job".')
    found = job_status(_dispatcher().redis, job_id)
    if found is None:
        return jsonify({"error": f"There is no job {job_id}; outcomes are kept for a day."}), 410
    return jsonify(found)


def _told(name: str) -> Any:
    """A value from the query, or from the body where there is one."""
    body = request.get_json(force=True, silent=True)
    return request.args.get(name) or (body.get(name) if isinstance(body, dict) else None)


def _asked_version(project_id: int, body: dict[str, Any]) -> str | None:
    asked = _asked(body, "model_version")
    if not asked:
        return None
    if asked not in _predictor().versions(project_id):
        raise NotFound(f"Model version {asked} of project {project_id} is not kept here; see /versions.")
    return str(asked)


def _asked_probabilities(body: dict[str, Any]) -> int | None:
    """Of how many choices of each control; None for all."""
    asked = _asked(body, "probabilities")
    if asked not in (None, "all"):
        raise BadRequest(f'"probabilities" may be "all", or left out for the {LIKELIEST} likeliest choices.')
    return LIKELIEST if asked is None else None


def _asked(body: dict[str, Any], name: str) -> Any:
    """What a script asks for beyond what Label Studio sends; None where it does not."""
    params = body.get("params")
    return body.get(name) or (params.get(name) if isinstance(params, dict) else None)


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


def _door() -> Door:
    door: Door = current_app.extensions["door"]
    return door


def _predictor() -> Predictor:
    predictor: Predictor = current_app.extensions["predictor"]
    return predictor


def _slots() -> Slots:
    slots: Slots = current_app.extensions["slots"]
    return slots
