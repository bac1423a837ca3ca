"""The routes Label Studio calls, by the shapes it uses."""

from __future__ import annotations

import logging
from functools import partial
from time import monotonic
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from redis import RedisError
from werkzeug.exceptions import BadRequest, NotFound, RequestEntityTooLarge, RequestTimeout

from backend import __version__
from backend.controls.any_config import parse_config
from backend.controls.config import parse_label_config
from backend.controls.scheme import LabelScheme
from backend.controls.weights import own_weights
from backend.errors import LabelConfigError, TooLarge, UnknownStrategy
from backend.generation.named import check_wrapped
from backend.guessing import LIKELIEST
from backend.jobs.dispatch import CONNECTION
from backend.jobs.state import known_projects
from backend.jobs.status import job_status
from backend.jobs.wrapped_state import WrappedState
from backend.labelstudio.connection import strategy_in, weights_in, wraps_in
from backend.sampling import check_name
from backend.store.paths import project_ids
from backend.web import held
from backend.web.asked import project_id as asked_project
from backend.web.asked import webhook_project
from backend.web.body import SMALL, json_object, large
from backend.web.contact import reached
from backend.web.events import ANNOTATION_EVENTS, EVENTS, react
from backend.web.limits import check_count, check_label_config, texts_too_long
from backend.web.under_hand import beside_drawn

logger = logging.getLogger(__name__)

protocol = Blueprint("protocol", __name__)

FEW_PROJECTS = 20
"""Of so many a request deals by itself with an event that may be of any."""


@protocol.route("/", methods=["GET"])
@protocol.route("/health", methods=["GET"])
def health() -> Response:
    """Alive. Waits for nothing, so that it answers within Label Studio's second."""
    installation = current_app.extensions["installation"].last_read()
    said = {"status": "UP", "name": "label-studio-atlas", "version": __version__}
    return jsonify({**said, "installation": installation})


@protocol.route("/setup", methods=["POST"])
def setup() -> Response:
    """Label Studio connects, or shows a page of the project. 4xx with a reason where we cannot learn."""
    body = json_object(held.settings(), SMALL)
    project_id = asked_project(body.get("project"))
    check_label_config(held.settings(), body.get("schema"))
    wraps = wraps_in(body.get("extra_params"))
    scheme = parse_config(body.get("schema"), held.settings().queue_controls, wraps=wraps is not None)
    held.settings().api_key  # noqa: B018  raises NotConfigured, which Label Studio shows on connecting
    strategy, weights = strategy_in(body.get("extra_params")), weights_in(body.get("extra_params"))
    _check(scheme, strategy, weights, wraps)
    is_known = held.gate().admits(project_id)
    reached("setup", project_id, is_known)
    if not is_known:
        return jsonify({})
    state = held.dispatcher().state(project_id)
    if wraps is not None:
        WrappedState(held.dispatcher().redis, project_id).project = str(body["project"])
    is_other = (state.strategy, state.weights, state.wraps) != (strategy, weights, wraps)
    is_news = is_other and not state.strategy_is_disputed
    if state.disconnected or is_news:
        held.dispatcher().request_look(project_id, CONNECTION)  # anybody may have sent this
    version = held.predictor().version_of(project_id)
    if version is None:
        held.dispatcher().request_retrain(project_id)  # a first order, before any label
        return jsonify({})
    return jsonify({"model_version": version})


def _check(scheme: LabelScheme, strategy: str | None, weights: str | None, wraps: str | None) -> None:
    """Raises UnknownStrategy or LabelConfigError, with a reason that Label Studio shows."""
    try:
        if strategy is not None:
            check_name(strategy)
        if weights is not None:
            own_weights(scheme, weights)
        if wraps is not None:
            check_wrapped(wraps, scheme, held.settings())
    except ValueError as error:
        raise UnknownStrategy(f"extra params: {error}") from error


@protocol.route("/predict", methods=["POST"])
def predict() -> Response:
    """One prediction per task, in order; `{"results": []}`, which Label Studio takes for "none", otherwise.

    Label Studio calls this while it builds a task page, for a batch of selected tasks, and for a region
    under an annotator's hand (`params.context`, which a whole text's class does not depend on; for a span
    or a box see `beside_drawn`). An error here would break that page, so whatever goes wrong on our side is
    logged and answered with "none".
    A script may ask for a stored `model_version` by name, 404 where that is not kept, and for the
    `probabilities` of all choices instead of the likeliest few.
    A project that wraps another ML backend is answered as that one answers.
    """
    until = monotonic() + held.settings().wrapped_timeout
    with held.slots().one():  # first: a body takes memory, and as many times as there are requests
        body = json_object(held.settings(), large(held.settings()))
        project_id = _checked(body)
        standing = held.passing().standing(project_id) if body["tasks"] else None
        if standing is None:
            return jsonify({"results": _predicted(project_id, body)})
        kept = held.passing().kept(project_id, body)
    try:  # of its own slots: it may take long
        return jsonify({"results": held.passing().results(project_id, standing, body, kept, until)})
    except Exception:
        logger.exception("project %d: cannot predict", project_id)
        return jsonify({"results": []})


def _checked(body: dict[str, Any]) -> int:
    """Returns which project's tasks they are. "label_config" is in the body from now on."""
    tasks = body.get("tasks")
    if not isinstance(tasks, list):
        raise BadRequest('The body needs "tasks", a list.')
    check_count(held.settings(), tasks)
    check_label_config(held.settings(), body.get("label_config"))
    project_id = asked_project(body.get("project"))
    if tasks and "label_config" not in body:
        body["label_config"] = _known_config(project_id)
    return project_id


def _predicted(project_id: int, body: dict[str, Any]) -> list[Any]:
    version, likely = _asked_version(project_id, body), _asked_probabilities(body)
    return _results(project_id, body["label_config"], body, version, likely) if body["tasks"] else []


def _known_config(project_id: int) -> str:
    """That last learned from, for scripts that send none: Label Studio always does."""
    known = held.dispatcher().state(project_id).label_config
    if known is None:
        raise BadRequest(
            'The body needs "label_config", the project\'s labeling interface: '
            f"nothing has been learned of project {project_id} yet, so it is not known here."
        )
    return known


def _results(
    project_id: int, label_config: Any, body: dict[str, Any], version: str | None, likely: int | None
) -> list[Any]:
    tasks: list[Any] = body["tasks"]
    try:
        scheme = parse_label_config(label_config, held.settings().queue_controls)
        beside = beside_drawn(held.predictor(), project_id, scheme, body)
        if beside is not None:
            return beside
        too_long = texts_too_long(held.settings(), scheme, tasks)
        readable = [{} if i in too_long else task for i, task in enumerate(tasks)]
        found = held.predictor().predict(project_id, scheme, readable, version, likely)
        # Without a `result` Label Studio leaves that task out, and takes the others.
        return [{"error": too_long[i]} if i in too_long else item for i, item in enumerate(found)]
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
    project = _named("project")
    if project is not None:
        return jsonify({"versions": held.predictor().versions(asked_project(project))})
    with current_app.extensions["surveys"].one():
        return jsonify({"versions": held.predictor().versions()})


@protocol.route("/webhook", methods=["POST"])
def webhook() -> Response | tuple[Response, int]:
    """Something changed in Label Studio: note it, enqueue, done. Only a hint: the job reads the truth."""
    address = request.args.get("project")
    try:
        body = _event()
    except (RequestEntityTooLarge, RequestTimeout):
        _look_at_all(address)  # an event is not to be lost for its size
        raise
    action, project_id = str(body.get("action")), webhook_project(body, address)
    if project_id is None:
        return _webhook_of_any(action, body)
    if not held.door().lets_in(project_id, action):
        return held.door().refuse()
    if action not in EVENTS:
        return jsonify({}), 201
    is_known = held.gate().admits(project_id, lately=action in ANNOTATION_EVENTS)
    if not is_known or action not in ANNOTATION_EVENTS:  # those are noted with the change they tell of
        reached("webhook", project_id, is_known)
    return jsonify(_reaction(action, project_id, body) if is_known else {}), 201


def _event() -> dict[str, Any]:
    """The body of a webhook: many large ones at a time would take too much memory."""
    if (request.content_length or 0) <= SMALL:
        return json_object(held.settings(), large(held.settings()))
    with current_app.extensions["large events"]:
        return json_object(held.settings(), large(held.settings()))


def _reaction(action: str, project_id: int, body: dict[str, Any]) -> dict[str, str]:
    published = partial(held.predictor().version_of, project_id)
    job = react(held.dispatcher(), published, action, project_id, body)
    return {} if job is None else {"job": job}


def _webhook_of_any(action: str, body: dict[str, Any]) -> Response | tuple[Response, int]:
    """One without payload, registered by hand, does not say of which project it is: each may be meant.

    Of many projects a job looks at each, instead of this request.
    """
    known = known_projects(held.dispatcher().redis) or project_ids(held.settings().data_dir)
    let_in = [project for project in known[:FEW_PROJECTS] if held.door().lets_in(project, action)]
    if known and not let_in:
        return held.door().refuse()
    if len(known) > FEW_PROJECTS and action in EVENTS:
        return jsonify({"job": held.dispatcher().request_reconcile()}), 201
    answer: dict[str, str] = {}
    for project_id in let_in:
        answer |= _reaction(action, project_id, body)
    return jsonify(answer), 201


def _look_at_all(address: str | None) -> None:
    """For an event that cannot be read, if it may speak for any project."""
    try:
        known = known_projects(held.dispatcher().redis)[:FEW_PROJECTS]
        named = known if address is None else [asked_project(address)]
        if any(held.door().lets_in(project) for project in named):
            held.dispatcher().request_reconcile()
    except RedisError as error:  # the next look comes anyway
        logger.warning("an event that is too large: %s", error)


@protocol.route("/train", methods=["POST"])
def train() -> tuple[Response, int]:
    """How older Label Studios start a training. The job reads the tasks itself; those sent are not used."""
    project_id = asked_project(json_object(held.settings(), SMALL).get("project"))
    if not held.gate().admits(project_id):
        return jsonify({"job": f"retrain-{project_id}"}), 201
    return jsonify({"job": held.dispatcher().insist_on_retrain(project_id)}), 201


@protocol.route("/job_status", methods=["GET", "POST"])
def status() -> Response | tuple[Response, int]:
    """State of a job by the id that /webhook or /train gave; 410 for one that is unknown or forgotten."""
    job_id = _named("job")
    if not isinstance(job_id, str):
        raise BadRequest('Say which job: /job_status?job=..., or a body with "job".')
    found = job_status(held.dispatcher().redis, job_id)
    if found is None:
        return jsonify({"error": f"There is no job {job_id}; outcomes are kept for a day."}), 410
    return jsonify(found)


def _named(name: str) -> Any:
    """A value from the query, or from the body where there is one."""
    if request.args.get(name) or not request.content_length:
        return request.args.get(name) or None
    return json_object(held.settings(), SMALL).get(name)


def _asked_version(project_id: int, body: dict[str, Any]) -> str | None:
    asked = _asked(body, "model_version")
    if not asked:
        return None
    if asked not in held.predictor().versions(project_id):
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
