"""The Flask application, wired together. Importing this module reads no environment."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from flask import Flask, Response, jsonify
from redis import RedisError, ResponseError
from werkzeug.exceptions import HTTPException

from backend import logs
from backend.errors import AtlasError, TooLarge
from backend.generation import named
from backend.jobs.dispatch import Dispatcher
from backend.pages import add_pages
from backend.passing_through import PassingThrough
from backend.predicting import Predictor
from backend.printable import printable
from backend.seldom import seldom
from backend.settings import Settings
from backend.store.waiting import Shard
from backend.threads import slow_threads
from backend.web.access import require_credentials
from backend.web.body import refuse_chunks
from backend.web.contact import note_contacts
from backend.web.gate import Gate
from backend.web.headers import secure_headers
from backend.web.installation import REDIS_SECONDS, Installation
from backend.web.metrics import measure_requests
from backend.web.origin import refuse_pages
from backend.web.pressure import Slots
from backend.web.protocol import protocol
from backend.web.redis_of import close_with, redis_of

logger = logging.getLogger(__name__)

KEPT_HEADERS = {"Retry-After", "Allow"}
MAX_REASON = 300
"""Characters of an error in the status line."""


def create_app(settings: Settings | None = None) -> Flask:
    """The web side of the backend. Without settings, those of the environment."""
    settings = settings or Settings()
    logs.configure(settings.log_level, "web", settings.log_format)
    seldom(named.logger)
    app = Flask("backend")
    app.debug = False  # whatever FLASK_DEBUG says
    secure_headers(app)
    app.extensions["settings"] = settings
    dispatcher = app.extensions["dispatcher"] = Dispatcher.from_settings(settings)
    close_with(app, dispatcher.redis)
    app.extensions["predictor"] = Predictor(
        settings, _mender(dispatcher), _shards_asker(dispatcher), _images_asker(dispatcher)
    )
    app.extensions["slots"] = Slots(
        settings.predict_threads,
        slow_threads(settings.web_threads) - 1,  # one tells the others that there is no room
    )
    app.extensions["passing"] = PassingThrough(
        settings,
        dispatcher,
        app.extensions["predictor"],
        knows_who_asks=settings.basic_authorization is not None,
    )
    app.extensions["surveys"] = Slots(1, 3, "scrapes of metrics and lists of versions")
    app.extensions["large events"] = threading.Lock()
    app.extensions["installation"] = Installation(redis_of(app, settings, REDIS_SECONDS))
    app.extensions["gate"] = Gate(settings, dispatcher)
    measure_requests(app, settings)
    refuse_chunks(app)
    refuse_pages(app)
    require_credentials(app, settings, dispatcher)
    note_contacts(app, settings)
    app.register_blueprint(protocol)
    add_pages(app, settings)
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


def _shards_asker(dispatcher: Dispatcher) -> Callable[[int, list[Shard]], None]:
    """What an answer had no time to encode workers encode. While Redis is away, the next retrain asks."""

    def ask(project_id: int, shards: list[Shard]) -> None:
        with suppress(RedisError):
            dispatcher.request_shards(project_id, shards)

    return ask


def _images_asker(dispatcher: Dispatcher) -> Callable[[int], None]:
    """Workers fetch what they find in Label Studio's tasks: no address of a request goes along."""

    def ask(project_id: int) -> None:
        with suppress(RedisError):
            dispatcher.request_refill(project_id)

    return ask


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
    return jsonify({"error": "What the request has in it is nested too deeply."}), 400


def _redis_down(error: RedisError) -> tuple[Response, int]:
    logger.error("Redis: %s", error)
    if isinstance(error, ResponseError):  # such as: out of memory, read only, another application's
        return jsonify({"error": "Redis refuses to note it; the backend's log says why."}), 503
    return jsonify({"error": "Redis does not answer: the backend cannot queue work. Check REDIS_URL."}), 503


def _http_error(error: HTTPException) -> tuple[Response, int]:
    response = jsonify({"error": error.description})
    response.headers.extend(header for header in error.get_headers() if header[0] in KEPT_HEADERS)
    return response, error.code or 500
