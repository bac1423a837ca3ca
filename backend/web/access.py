"""Who may call: basic auth on everything but /health, or a webhook's own secret.

Label Studio sends a connection's basic auth with every request but registered webhooks, so those may
carry WEBHOOK_SECRET instead. Where neither is configured everything is open: a forged webhook costs at
most a needless retrain.
"""

from __future__ import annotations

import hmac
import logging

from flask import Flask, Response, jsonify, request

from backend.settings import Settings

logger = logging.getLogger(__name__)

OPEN_ENDPOINTS = {"protocol.health"}
WEBHOOK_ENDPOINT = "protocol.webhook"
_WEBHOOK_REFUSED = "the webhook lacks the secret; `label-studio-atlas connect` registers one that has it"
_REFUSED = "basic auth is missing or wrong; `label-studio-atlas connect` sets it on the connection"


def require_credentials(app: Flask, settings: Settings) -> None:
    """Answer 401 to requests without the credentials that `settings` ask for."""
    basic, webhook = settings.basic_authorization, settings.webhook_authorization
    told: set[str] = set()

    def check() -> Response | None:
        if request.endpoint in OPEN_ENDPOINTS:
            return None
        accepted = [basic, webhook] if request.endpoint == WEBHOOK_ENDPOINT else [basic]
        wanted = [value for value in accepted if value is not None]
        if not wanted or _is_one_of(request.headers.get("Authorization", ""), wanted):
            return None
        reason = _WEBHOOK_REFUSED if request.endpoint == WEBHOOK_ENDPOINT else _REFUSED
        if reason not in told:  # once: somebody who guesses must not fill the log
            told.add(reason)
            logger.warning("401 for %r from %s: %s", request.path, request.remote_addr, reason)
        return _unauthorized(reason)

    app.before_request(check)


def _is_one_of(given: str, wanted: list[str]) -> bool:
    """In a time that does not depend on where they differ."""
    return any(hmac.compare_digest(given.encode(), value.encode()) for value in wanted)


def _unauthorized(reason: str) -> Response:
    response: Response = jsonify({"error": reason})
    response.status = f"401 {reason}"  # of a refused connection Label Studio shows the status line alone
    response.headers["WWW-Authenticate"] = 'Basic realm="label-studio-atlas"'
    return response
