"""The Flask application, wired together. Importing this module reads no environment."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from flask import Flask, Response, jsonify
from redis import RedisError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from backend import logs
from backend.errors import AtlasError, TooLarge
from backend.jobs.dispatch import Dispatcher
from backend.predicting import Predictor
from backend.printable import printable
from backend.settings import Settings
from backend.web.access import require_credentials
from backend.web.contact import note_contacts
from backend.web.headers import secure_headers
from backend.web.limits import bound_bodies
from backend.web.metrics import measure_requests
from backend.web.pressure import Slots, slow_threads
from backend.web.protocol import protocol

logger = logging.getLogger(__name__)

KEPT_HEADERS = {"Retry-After", "Allow"}
MAX_REASON = 300
"""Characters of an error in the status line."""


def create_app(settings: Settings | None = None) -> Flask:
    """The web side of the backend. Without settings, those of the environment."""
    settings = settings or Settings()
    logs.configure(settings.log_level, "web", settings.log_format)
    app = Flask("backend")
    app.debug = False  # whatever FLASK_DEBUG says
    secure_headers(app)
    app.extensions["settings"] = settings
    dispatcher = app.extensions["dispatcher"] = Dispatcher.from_settings(settings)
    app.extensions["predictor"] = Predictor(settings, on_damage=_mender(dispatcher))
    app.extensions["slots"] = Slots(
        settings.predict_threads,
        slow_threads(settings.web_threads) - 1,  # one tells the others that there is no room
    )
    measure_requests(app, settings)
    bound_bodies(app, settings)
    require_credentials(app, settings, dispatcher)
    note_contacts(app, settings)
    app.register_blueprint(protocol)
    app.register_error_handler(AtlasError, _refused)
    app.register_error_handler(RedisError, _redis_down)
    app.register_error_handler(RecursionError, _too_deep)
    app.register_error_handler(HTTPException, _http_error)
    return app


def _mender(dispatcher: Dispatcher) -> Callable[[int], None]:
    """A model that cannot be read is made anew; the answer that found it out does not depend on that."""

    def mend(project_id: int) -> None:
        with suppress(RedisError):
            dispatcher.request_retrain(project_id)

    return mend


def _refused(error: AtlasError) -> Response:
    """Our own errors are made to be read: in the body, in the log, and in the status line.

    The status line because Label Studio shows of a refused connection that and nothing else.
    """
    one_line = printable(" ".join(str(error).split())).encode("ascii", "replace").decode()[:MAX_REASON]
    logger.warning("refused: %s", one_line)  # one line, whatever came in with the request
    response: Response = jsonify({"error": str(error)})
    response.status = f"{413 if isinstance(error, TooLarge) else 400} {one_line}"
    return response


def _too_deep(error: RecursionError) -> tuple[Response, int]:
    return jsonify({"error": "The request's JSON is nested too deeply."}), 400


def _redis_down(error: RedisError) -> tuple[Response, int]:
    logger.error("Redis: %s", error)
    return jsonify({"error": "Redis does not answer: the backend cannot queue work. Check REDIS_URL."}), 503


def _http_error(error: HTTPException) -> tuple[Response, int]:
    reason = error.description
    if isinstance(error, RequestEntityTooLarge):
        reason = "The request is larger than MAX_BODY_MB allows. Ask for fewer tasks at a time."
    response = jsonify({"error": reason})
    response.headers.extend(header for header in error.get_headers() if header[0] in KEPT_HEADERS)
    return response, error.code or 500
