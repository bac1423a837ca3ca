"""Bodies of requests: read once, by the route that wants one, within its bounds, and not kept as text."""

from __future__ import annotations

import json
import time
from typing import Any

from flask import Flask, request
from werkzeug.exceptions import BadRequest, LengthRequired, RequestEntityTooLarge, RequestTimeout

from backend.running.patience import REQUEST_SECONDS
from backend.settings import Settings
from backend.web.structure import exceeds

SMALL = 2 * 2**20
"""Bytes, for all that has neither tasks nor events in it."""
MIN_RATE = 2**20
"""Bytes per second: what takes longer to arrive is given up, since it holds a thread."""
PARTS_PER_TASK = 100
"""Lists, objects and items that a request may have for each task it may ask predictions for: Label Studio
sends about 30, and its annotations. A million parts take about 100 MB."""
_CHUNK = 2**16


def refuse_chunks(app: Flask) -> None:
    """411 to bodies that do not tell their length: Label Studio tells it, and what sends chunks can send them
    without end, or such as gunicorn cannot read."""

    @app.before_request
    def refuse() -> None:
        if "Transfer-Encoding" in request.headers:
            raise LengthRequired("The request must tell its length; a body in chunks is not read.")


def json_object(settings: Settings, most: int) -> dict[str, Any]:
    """The request's body, of at most so many bytes. To be called once.

    Raises RequestEntityTooLarge, unread where the length tells; RequestTimeout; BadRequest.
    """
    found = _parsed(_read(min(most, large(settings))), PARTS_PER_TASK * settings.max_tasks)
    if not isinstance(found, dict):
        raise BadRequest("The body must be a JSON object.")
    return found


def large(settings: Settings) -> int:
    """MAX_BODY_MB in bytes: of a body that may have many tasks in it."""
    return settings.max_body_mb * 2**20


def _read(most: int) -> bytes:
    length = request.content_length or 0
    if length > most:
        raise RequestEntityTooLarge(f"The request is larger than {_in_words(most)}.")
    until, parts = time.monotonic() + REQUEST_SECONDS + length / MIN_RATE, []
    while part := request.stream.read(_CHUNK):
        parts.append(part)
        if time.monotonic() > until:
            raise RequestTimeout("The request took too long to arrive.")
    return b"".join(parts)


def _in_words(most: int) -> str:
    megabytes = f"{most // 2**20} MB"
    return megabytes if most == SMALL else f"MAX_BODY_MB allows ({megabytes}); ask for fewer tasks at a time"


def _parsed(data: bytes, most: int) -> Any:
    if exceeds(data, most):
        raise RequestEntityTooLarge(
            f"The request has more than {most} parts, {PARTS_PER_TASK} for each of MAX_TASKS. Ask for fewer."
        )
    try:
        return json.loads(data)
    except RecursionError as error:
        raise BadRequest("The request's JSON is nested too deeply.") from error
    except ValueError as error:
        raise BadRequest("The body must be a JSON object.") from error
