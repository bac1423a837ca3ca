"""Where a wrapped backend is, and by which credentials it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from backend.content.hosts import Hosts, Reach


@dataclass(frozen=True)
class Target:
    """url: without a slash at its end; basic_auth: user and password, None where it wants none;
    extra_params: those of the connection that it had in Label Studio before."""

    url: str
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)
    extra_params: Mapping[str, Any] = field(default_factory=dict)


def allowed_url(typed: str, allowed: str) -> str:
    """The address of a backend, without a slash at its end. allowed: the setting WRAPPED_BACKENDS.

    Raises ValueError, with what to change, for what is no such address, or one that the setting does not
    name.
    """
    url = address_in(typed)
    check_allowed(url, allowed)
    return url


def address_in(typed: str) -> str:
    """Without a slash at its end. Raises ValueError, with what to change, for what is no address of a
    backend; it depends on no setting."""
    url = typed.strip().rstrip("/")
    if set("?#@\\") & set(url) or not (url.isascii() and url.isprintable()):
        raise ValueError("give the wrapped backend's address without user, password, ? and #")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} is no address of a backend: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(
            f"{url!r} is no address of a backend: it begins with http://, as in http://HOST:9090"
        )
    return url


MAX_HOST = 253
"""Characters of a host's name (RFC 1035); what is longer is told in part."""


def check_allowed(url: str, allowed: str) -> None:
    """url: of `address_in`; allowed: the setting WRAPPED_BACKENDS.

    Raises ValueError, with what to change, where that does not name it: whoever may change a connection's
    extra params would have us call anything else.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if Hosts.parse(allowed).reach(host, port) is not Reach.ANYWHERE:
        named = f"{host[:MAX_HOST]}:{port}" if port else host[:MAX_HOST]
        raise ValueError(f"WRAPPED_BACKENDS does not name {named}: set it so where the backend runs")
