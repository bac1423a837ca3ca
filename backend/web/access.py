"""Who may call: basic auth on everything but /health, or a webhook's own secret.

Label Studio sends a connection's basic auth with every request but registered webhooks. Those of a project
that `connect` has set up carry a secret of the project's own, and without it are refused. Other projects'
webhooks are open where nothing is configured (one that Label Studio made by itself carries nothing), and
else must carry what releases before gave them: WEBHOOK_SECRET, or the basic auth as a header.
A forged webhook costs at most a needless retrain.
"""

from __future__ import annotations

import hmac
import logging
import time

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import ServiceUnavailable

from backend.errors import DamagedFile, ModelStoreError
from backend.jobs.dispatch import Dispatcher
from backend.jobs.state import digest
from backend.jobs.webhook_secrets import WebhookSecrets, former_authorizations
from backend.settings import Settings

logger = logging.getLogger(__name__)

OPEN_ENDPOINTS = {"protocol.health"}
OWN_DOOR = "pages"
"""The blueprint that asks by itself who comes: see `backend/pages/access.py`."""
WEBHOOK_ENDPOINT = "protocol.webhook"
_WEBHOOK_REFUSED = "the webhook lacks the secret; `label-studio-atlas connect` registers one that has it"
KNOWN_SECONDS = 5
"""For so long what was let in is let in again: bursts need not ask Redis for it each time."""
MOST_KNOWN = 1000
MOST_DIGITS = 19
START_TRAINING = "START_TRAINING"
_REFUSED = "basic auth is missing or wrong; `label-studio-atlas connect` sets it on the connection"


class Door:
    """Lets requests in, or answers them 401. Safe to share between threads."""

    def __init__(self, settings: Settings, dispatcher: Dispatcher):
        self._basic, self._former = settings.basic_authorization, former_authorizations(settings)
        self._secrets = WebhookSecrets(dispatcher.redis, settings)
        self._logged: set[str] = set()
        self._let_in: dict[tuple[int, str], float] = {}
        """Until when, by the monotonic clock, which header is known to be let in for which project."""

    def check(self) -> Response | None:
        """By the credentials of the settings, before the body is looked at; of a webhook whose address names
        its project, by that project's own secret too."""
        if request.endpoint in OPEN_ENDPOINTS or request.blueprint == OWN_DOOR:
            return None
        is_webhook = request.endpoint == WEBHOOK_ENDPOINT
        wanted = self._former if is_webhook else [self._basic] if self._basic is not None else []
        if not wanted or _is_one_of(_given(), wanted):
            return None
        if is_webhook and self._has_own_secret(request.args.get("project", "")):
            return None
        return self.refuse(_WEBHOOK_REFUSED if is_webhook else _REFUSED)

    def lets_in(self, project_id: int, action: str = "") -> bool:
        """Whether this webhook may speak for the project: it has the project's own secret, if any.

        What starts a training is sent along a connection, so it has that one's credentials.
        """
        if action == START_TRAINING:
            return self._basic is None or _is_one_of(_given(), [self._basic])
        given, now = _given(), time.monotonic()
        if self._let_in.get((project_id, given), 0) > now:
            return True
        wanted = self._digest(project_id)
        if wanted is None:
            if self._former and not _is_one_of(given, self._former):
                return False
        elif not hmac.compare_digest(digest(given), wanted):
            return False
        if len(self._let_in) >= MOST_KNOWN:  # anybody may invent projects
            self._let_in.clear()
        self._let_in[project_id, given] = now + KNOWN_SECONDS
        return True

    def _has_own_secret(self, project: str) -> bool:
        """project: as the address has it; whoever reads the body tells what is wrong with it."""
        if not (project.isascii() and project.isdigit() and len(project) < MOST_DIGITS):
            return False
        wanted = self._digest(int(project))
        return wanted is not None and hmac.compare_digest(digest(_given()), wanted)

    def _digest(self, project_id: int) -> str | None:
        """Raises ServiceUnavailable where it cannot be told: Label Studio repeats nothing, so the next look
        makes up for what is refused, and what would be let in could be anybody's."""
        try:
            return self._secrets.digest(project_id)
        except (ModelStoreError, DamagedFile) as error:
            raise ServiceUnavailable(f"The webhook's secret cannot be read: {error}") from error

    def refuse(self, reason: str = _WEBHOOK_REFUSED) -> Response:
        # Once: somebody who guesses must not fill the log. `doctor` asks by OPTIONS what is asked for.
        if reason not in self._logged and request.method != "OPTIONS":
            self._logged.add(reason)
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
