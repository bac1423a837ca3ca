"""Note when Label Studio reached us for a project, so that `connect` and `doctor` can prove that it does."""

from __future__ import annotations

import logging

from flask import Flask, Response, g
from redis import RedisError

from backend.jobs.contact import REMEMBERED, Contact
from backend.settings import Settings
from backend.web.redis_of import redis_of

logger = logging.getLogger(__name__)

REDIS_SECONDS = 0.5
"""A note is worth no more of the second that Label Studio waits."""


NEWCOMER_SECONDS = 3600
"""For so long it is remembered of a project that may be invented."""


def reached(kind: str, project_id: int, is_known: bool) -> None:
    """By a route, of a request that is in order. kind: as `Contact` has it."""
    g.reached = kind, project_id, REMEMBERED if is_known else NEWCOMER_SECONDS


def note_contacts(app: Flask, settings: Settings) -> None:
    """After each accepted /setup and /webhook; the note may fail, the answer never does."""
    redis = redis_of(app, settings, REDIS_SECONDS)

    def note(response: Response) -> Response:
        kind, project_id, seconds = g.pop("reached", (None, 0, 0))
        if kind and response.status_code < 400:
            try:
                Contact(redis, project_id).note(kind, seconds)
            except RedisError as error:
                logger.debug("cannot note a contact: %s", error)
        return response

    app.after_request(note)
