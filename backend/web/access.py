"""Who may call: basic auth on everything but /health, or a webhook's own secret.

Label Studio sends a connection's basic auth with every request but registered webhooks, so those may
carry WEBHOOK_SECRET instead. Where neither is configured everything is open but the webhooks of projects
that `connect` has set up, each with a secret of its own; one that Label Studio made by itself carries
nothing. A forged webhook costs at most a needless retrain.
"""

from __future__ import annotations

import hmac
import logging
import time

from flask import Flask, Response, jsonify, request

from backend.jobs.dispatch import Dispatcher
from backend.jobs.state import digest
from backend.settings import Settings

logger = logging.getLogger(__name__)

OPEN_ENDPOINTS = {"protocol.health"}
WEBHOOK_ENDPOINT = "protocol.webhook"
_WEBHOOK_REFUSED = "the webhook lacks the secret; `label-studio-atlas connect` registers one that has it"
KNOWN_SECONDS = 5
"""For so long what was let in is let in again: bursts need not ask Redis for it each time."""
MOST_KNOWN = 1000
_REFUSED = "basic auth is missing or wrong; `label-studio-atlas connect` sets it on the connection"


class Door:
    """Lets requests in, or answers them 401. Safe to share between threads."""

    def __init__(self, settings: Settings, dispatcher: Dispatcher):
        self._basic, self._webhook = settings.basic_authorization, settings.webhook_authorization
        self._dispatcher = dispatcher
        self._told: set[str] = set()
        self._let_in: dict[tuple[int, str], float] = {}
        """Until when, by the monotonic clock, which header is known to be let in for which project."""

    def check(self) -> Response | None:
        """By the credentials of the settings, before the request is looked at."""
        if request.endpoint in OPEN_ENDPOINTS:
            return None
        is_webhook = request.endpoint == WEBHOOK_ENDPOINT
        accepted = [self._basic, self._webhook] if is_webhook else [self._basic]
        wanted = [value for value in accepted if value is not None]
        if not wanted or _is_one_of(_given(), wanted):
            return None
        return self.refuse(_WEBHOOK_REFUSED if is_webhook else _REFUSED)

    def lets_in(self, project_id: int) -> bool:
        """Whether this webhook may speak for the project: it has the project's own secret, if any."""
        given, now = _given(), time.monotonic()
        if self._webhook is not None or self._let_in.get((project_id, given), 0) > now:
            return True
        wanted = self._dispatcher.state(project_id).webhook_digest
        if wanted is not None and not hmac.compare_digest(digest(given), wanted):
            return False
        if len(self._let_in) >= MOST_KNOWN:  # anybody may invent projects
            self._let_in.clear()
        self._let_in[project_id, given] = now + KNOWN_SECONDS
        return True

    def refuse(self, reason: str = _WEBHOOK_REFUSED) -> Response:
        if reason not in self._told:  # once: somebody who guesses must not fill the log
            self._told.add(reason)
            logger.warning("401 for %r from %s: %s", request.path, request.remote_addr, reason)
        return _unauthorized(reason)


def require_credentials(app: Flask, settings: Settings, dispatcher: Dispatcher) -> None:
    """Answer 401 to requests without the credentials that `settings`, or the project, ask for."""
    door = app.extensions["door"] = Door(settings, dispatcher)
    app.before_request(door.check)


def _given() -> str:
    return request.headers.get("Authorization", "")


def _is_one_of(given: str, wanted: list[str]) -> bool:
    """In a time that does not depend on where they differ."""
    return any(hmac.compare_digest(given.encode(), value.encode()) for value in wanted)


def _unauthorized(reason: str) -> Response:
    response: Response = jsonify({"error": reason})
    response.status = f"401 {reason}"  # of a refused connection Label Studio shows the status line alone
    response.headers["WWW-Authenticate"] = 'Basic realm="label-studio-atlas"'
    return response
