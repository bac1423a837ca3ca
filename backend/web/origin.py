"""Requests that a web page makes a browser send are refused: of pages only our own call this backend, and
those have a door of their own."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.exceptions import Forbidden

from backend.web.access import OWN_DOOR

_OPEN = {"protocol.health"}


def refuse_pages(app: Flask) -> None:
    """403 to what has an Origin, or says that another site sends it. Browsers put that in, nobody else."""

    @app.before_request
    def refuse() -> None:
        if request.endpoint in _OPEN or request.blueprint == OWN_DOOR:
            return
        another = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
        if "Origin" in request.headers or another:
            raise Forbidden("Requests of web pages are not taken; call this backend from a program.")
