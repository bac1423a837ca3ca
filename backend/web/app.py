"""The Flask application, wired together. Importing this module reads no environment."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from flask import Flask, Response, jsonify
from redis import RedisError
from werkzeug.exceptions import HTTPException

from backend import logs
from backend.errors import AtlasError
from backend.jobs.dispatch import Dispatcher
from backend.predicting import Predictor
from backend.settings import Settings
from backend.web.access import require_credentials
from backend.web.contact import note_contacts
from backend.web.metrics import measure_requests
from backend.web.pressure import Slots
from backend.web.protocol import protocol

logger = logging.getLogger(__name__)

MAX_BODY = 64 * 1024 * 1024
"""Bytes of a request: Label Studio sends 5,000 tasks at once, 5 MB when each holds 500 characters."""

MAX_REASON = 300
"""Characters of an error in the status line."""


def create_app(settings: Settings | None = None) -> Flask:
    """The web side of the backend. Without settings, those of the environment."""
    settings = settings or Settings()
    logs.configure(settings.log_level, "web", settings.log_format)
    app = Flask("backend")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.extensions["settings"] = settings
    dispatcher = app.extensions["dispatcher"] = Dispatcher.from_settings(settings)
    app.extensions["predictor"] = Predictor(settings, on_damage=_mender(dispatcher))
    app.extensions["slots"] = Slots(settings.predict_threads, settings.web_threads * 3 // 4)
    measure_requests(app, settings)
    require_credentials(app, settings)
    note_contacts(app, settings)
    app.register_blueprint(protocol)
    app.register_error_handler(AtlasError, _refused)
    app.register_error_handler(RedisError, _redis_down)
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
    logger.warning("refused: %s", error)
    response: Response = jsonify({"error": str(error)})
    one_line = " ".join(str(error).split()).encode("ascii", "replace").decode()
    response.status = f"400 {one_line[:MAX_REASON]}"
    return response


def _redis_down(error: RedisError) -> tuple[Response, int]:
    logger.error("Redis: %s", error)
    return jsonify({"error": "Redis does not answer: the backend cannot queue work. Check REDIS_URL."}), 503


def _http_error(error: HTTPException) -> tuple[Response, int]:
    return jsonify({"error": error.description}), error.code or 500
