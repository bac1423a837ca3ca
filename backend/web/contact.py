"""Note when Label Studio reached us for a project, so that `connect` and `doctor` can prove that it does."""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from redis import Redis, RedisError

from backend.jobs.contact import Contact
from backend.settings import Settings
from backend.web.access import WEBHOOK_ENDPOINT
from backend.web.events import ANNOTATION_EVENTS

logger = logging.getLogger(__name__)

NOTED = {"protocol.setup": "setup", WEBHOOK_ENDPOINT: "webhook"}
REDIS_SECONDS = 0.5
"""A note is worth no more of the second that Label Studio waits."""


def note_contacts(app: Flask, settings: Settings) -> None:
    """After each accepted /setup and /webhook; the note may fail, the answer never does.

    Webhooks of annotations come in bursts: those are noted with the change they tell of.
    """
    redis = Redis.from_url(settings.redis_url, socket_timeout=REDIS_SECONDS)

    def note(response: Response) -> Response:
        kind = NOTED.get(request.endpoint or "")
        project_id = _project_id() if kind and response.status_code < 400 else None
        if kind and project_id is not None:
            try:
                Contact(redis, project_id).note(kind)
            except RedisError as error:
                logger.debug("cannot note a contact: %s", error)
        return response

    app.after_request(note)


def _project_id() -> int | None:
    """None for a webhook without payload, which does not say, and for one that is noted already."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict) or (
        request.endpoint == WEBHOOK_ENDPOINT and str(body.get("action")) in ANNOTATION_EVENTS
    ):
        return None
    told = body.get("project") or request.args.get("project")
    number = str(told.get("id") if isinstance(told, dict) else told).split(".")[0]
    return int(number) if number.isascii() and number.isdigit() else None
