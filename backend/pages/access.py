"""Who may look at pages, and who may change something by them: two rights.

Either comes with a cookie that a one-time link or the token was given for, or with the basic auth that is
configured. Whoever can log in to Label Studio has neither by that. A change must come from a form of ours.
"""

from __future__ import annotations

import hmac
from pathlib import Path

from flask import Request, Response, g
from werkzeug.exceptions import Forbidden

from backend.jobs.page_links import Invited
from backend.jobs.state import digest
from backend.pages.visitor import (
    SESSION_SECONDS,
    Visitor,
    cookie_name,
    form_seal,
    is_sealed,
    sealed,
    unsealed,
)
from backend.settings import Settings
from backend.store.page_token import page_token

FORM_FIELD = "seal"
PATH = "/projects"
NOT_OURS = "This form does not come from this page. Open the page anew, and press the button there."
_LOOK_ONLY = "You may look, and not change anything. Ask whoever runs the backend for a link that may."


class Access:
    """Of one web process; safe to share between threads. The token is read anew each time: a new one counts
    at once."""

    def __init__(self, settings: Settings):
        self._basic = settings.basic_authorization
        self._user = settings.basic_auth_user or ""
        self._data_dir: Path = settings.data_dir

    @property
    def asks_for_password(self) -> bool:
        return self._basic is not None

    def visitor(self, request: Request) -> Visitor | None:
        """None for somebody who may not even look. Raises NotConfigured where there can be no token."""
        given = request.headers.get("Authorization", "")
        if self._basic is not None and hmac.compare_digest(given.encode(), self._basic.encode()):
            return Visitor(self._user, True, f"basic {digest(given)}")
        token = page_token(self._data_dir)
        value = request.cookies.get(cookie_name(token))
        return None if value is None else unsealed(token, value)

    def invited_by_token(self, typed: str, who: str) -> Invited | None:
        """Whom the token itself lets in, with both rights."""
        right = hmac.compare_digest(typed.strip().encode(), page_token(self._data_dir).encode())
        return Invited(who.strip() or "somebody with the token", True) if right else None

    def let_in(self, response: Response, invited: Invited) -> Response:
        """Give the browser the cookie. Not `Secure`: the pages may be served without TLS."""
        token = page_token(self._data_dir)
        response.set_cookie(
            cookie_name(token),
            sealed(token, invited),
            max_age=SESSION_SECONDS,
            path=PATH,
            httponly=True,
            samesite="Strict",
        )
        return response

    def let_out(self, response: Response) -> Response:
        response.delete_cookie(cookie_name(page_token(self._data_dir)), path=PATH, samesite="Strict")
        return response

    def seal(self, visitor: Visitor) -> str:
        """What the visitor's forms carry."""
        return form_seal(page_token(self._data_dir), visitor)

    def check_form(self, request: Request, visitor: Visitor) -> None:
        """Raises Forbidden, unless a form of ours was sent."""
        given = request.form.get(FORM_FIELD, "")
        if comes_from_elsewhere(request) or not is_sealed(page_token(self._data_dir), visitor, given):
            raise Forbidden(NOT_OURS)


def check_may_change(visitor: Visitor) -> None:
    """Raises Forbidden."""
    if not visitor.may_change:
        raise Forbidden(_LOOK_ONLY)


def comes_from_elsewhere(request: Request) -> bool:
    """Whether a browser says that another site's page sent this. By what browsers add, and pages cannot."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:  # told of safe origins alone: https, and this machine
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and origin.rpartition("//")[2] != request.host


def current_visitor() -> Visitor:
    """Of the request being answered, which somebody may look at."""
    found: Visitor = g.visitor
    return found
