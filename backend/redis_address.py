"""REDIS_URL and the password that is given apart from it."""

from __future__ import annotations

from urllib.parse import SplitResult, quote, urlsplit

_UNREADABLE = "cannot be read: a password with one of / # ? [ in it belongs into REDIS_PASSWORD"


def with_password(url: str, password: str | None) -> str:
    """The address with the password in it, percent-encoded.

    An address that has a password keeps it; a Unix socket gets none, its rights guard it.
    Raises ValueError, which shows nothing of the address, when it cannot be read.
    """
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must start with redis://, rediss:// or unix://")
    if url.startswith("unix://"):
        return url
    parts = _split(url)
    if not password or parts.password:
        return url
    host = parts.netloc.rpartition("@")[2] or "localhost"
    return parts._replace(netloc=f"{parts.username or ''}:{quote(password, safe='')}@{host}").geturl()


def _split(url: str) -> SplitResult:
    """An address that its password cut short has no host, or a port that is no number."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError(_UNREADABLE) from None
    if parts.netloc and not parts.hostname:
        raise ValueError(_UNREADABLE)
    return parts
