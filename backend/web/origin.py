"""Requests that another site's page makes a browser send are refused: no page calls this backend."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.exceptions import Forbidden

_OPEN = {"protocol.health"}


def refuse_pages(app: Flask) -> None:
    """403 to what has an Origin, or says that another site sends it. Browsers put that in, nobody else."""

    @app.before_request
    def refuse() -> None:
        another = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
        if request.endpoint not in _OPEN and ("Origin" in request.headers or another):
            raise Forbidden("Requests of web pages are not taken; call this backend from a program.")
