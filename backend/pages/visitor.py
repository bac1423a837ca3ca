"""Who looks at a page, and by what they prove it."""

from __future__ import annotations

import hmac
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from backend.jobs.page_links import LONGEST_NAME, Invited

SESSION_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True)
class Visitor:
    """who: as changes are logged; may_change: else they may only look; session: what their forms are bound
    to."""

    who: str
    may_change: bool
    session: str


def sealed(token: str, invited: Invited, now: float | None = None) -> str:
    """A cookie's value: who it is, signed, for SESSION_SECONDS."""
    until = (time.time() if now is None else now) + SESSION_SECONDS
    told = {
        "who": invited.who[:LONGEST_NAME],
        "change": invited.may_change,
        "until": int(until),
        "session": secrets.token_hex(8),
    }
    body = urlsafe_b64encode(json.dumps(told).encode()).decode()
    return f"{body}.{_signature(token, f'cookie {body}')}"


def unsealed(token: str, value: str, now: float | None = None) -> Visitor | None:
    """None where it was not sealed by this token, or is too old. Never raises."""
    body, _, signature = value.partition(".")
    if not _is(signature, _signature(token, f"cookie {body}")):
        return None
    told = json.loads(urlsafe_b64decode(body))
    if told["until"] < (time.time() if now is None else now):
        return None
    return Visitor(str(told["who"]), told["change"] is True, str(told["session"]))


def cookie_name(token: str) -> str:
    """Its own for each backend: a browser's cookies of one host are shared between its ports."""
    return f"atlas-{_signature(token, 'name')[:8]}"


def form_seal(token: str, visitor: Visitor) -> str:
    """What each form of the visitor's carries: a page of another site does not know it."""
    return _signature(token, f"form {visitor.session}")


def is_sealed(token: str, visitor: Visitor, given: str) -> bool:
    return _is(given, form_seal(token, visitor))


def _is(given: str, right: str) -> bool:
    """Whatever characters somebody gives."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), right.encode())


def _signature(token: str, text: str) -> str:
    return hmac.new(token.encode(), text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()
