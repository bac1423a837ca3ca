"""What a request is about."""

from __future__ import annotations

import re
from typing import Any

from werkzeug.exceptions import BadRequest

_PROJECT = re.compile(r"0*([1-9][0-9]{0,17})(\..*)?", re.ASCII | re.DOTALL)


def project_id(named: object) -> int:
    """Label Studio writes "{id}.{created_at}" in /setup and /predict, a number in webhooks.

    Raises BadRequest.
    """
    found = _PROJECT.fullmatch(str(named)[:100]) if isinstance(named, (str, int, float)) else None
    if found is None or isinstance(named, bool):
        raise BadRequest('The body needs "project", the id of a Label Studio project.')
    return int(found[1])


def webhook_project(body: dict[str, Any], address: str | None) -> int | None:
    """The project that a webhook is of, by its payload or by its address; None where neither tells.

    Raises BadRequest, also where they do not agree.
    """
    found = body.get("project")
    payload = project_id(found.get("id")) if isinstance(found, dict) else None
    named = None if address is None else project_id(address)
    if payload is not None and named is not None and payload != named:
        raise BadRequest("The webhook's address names another project than its payload.")
    return payload if payload is not None else named
