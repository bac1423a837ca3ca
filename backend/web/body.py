"""Bodies of requests: read once, by the route that wants one, within its bounds, and not kept as text."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RD, socket
from typing import Any

from flask import Flask, request
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    LengthRequired,
    RequestEntityTooLarge,
    RequestTimeout,
)

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
TOO_SLOW = "The request took too long to arrive."
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
    seconds = REQUEST_SECONDS + length / MIN_RATE
    until, parts = time.monotonic() + seconds, []
    with _cut_off_after(seconds) as is_cut_off:
        try:
            while part := request.stream.read(_CHUNK):
                parts.append(part)
                if time.monotonic() > until:
                    raise RequestTimeout(TOO_SLOW)
        except ClientDisconnected as error:
            if is_cut_off():
                raise RequestTimeout(TOO_SLOW) from error
            raise
    if is_cut_off():
        raise RequestTimeout(TOO_SLOW)
    return b"".join(parts)


@contextmanager
def _cut_off_after(seconds: float) -> Iterator[Callable[[], bool]]:
    """Nothing more is received then: gunicorn reads on for a whole chunk, however few bytes come at a time.

    Gives a function that tells whether it came to that.
    """
    connection: socket | None = request.environ.get("gunicorn.socket")
    done = threading.Event()

    def cut_off(connection: socket) -> None:
        done.set()
        with suppress(OSError):  # closed by its sender meanwhile
            connection.shutdown(SHUT_RD)

    timer = threading.Timer(seconds, cut_off, [connection])
    if connection is not None:  # else not served by gunicorn
        timer.start()
    try:
        yield done.is_set
    finally:
        timer.cancel()


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
