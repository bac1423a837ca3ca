"""Whether the web server can listen where it is told to, found out before anything is started."""

from __future__ import annotations

import errno
import socket
import time

from backend.addresses import host_in_url
from backend.errors import AtlasError
from backend.settings import Settings

POLL_SECONDS = 0.2
PATIENCE = 5.0
"""Seconds: so long the processes of a server that was killed may keep its port."""
_ELSEWHERE = "set PORT to another one (for `connect` and `doctor`, too)"


def wait_for_port(settings: Settings, patience: float | None = None) -> None:
    """Returns once HOST and PORT are free. Raises AtlasError, with what to do, where they do not get so.

    patience: seconds, PATIENCE unless told.
    """
    until = time.monotonic() + (PATIENCE if patience is None else patience)
    while (reason := _refusal(settings.host, settings.port)) is not None:
        if reason == errno.EADDRINUSE and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
            continue
        raise AtlasError(_in_words(reason, settings))


def _refusal(host: str, port: int) -> int | str | None:
    """The error number with which the system refuses to listen there, its words where it has none, or None.

    A socket is bound and let go, as the web server binds its own: to an address of IPv6 only where HOST is
    written as one.
    """
    host = host_in_url(host).strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        (_, kind, protocol, _, address), *_ = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            tried.listen(1)
    except socket.gaierror as error:
        return str(error.strerror)
    except UnicodeError:  # more letters between two dots than a name has, or half a letter
        return "it can be no host's name"
    except OSError as error:
        return error.errno if error.errno is not None else str(error)
    return None


def _in_words(reason: int | str, settings: Settings) -> str:
    host, port = settings.host, settings.port
    if reason == errno.EADDRINUSE:
        return f"port {port} is taken by another program: stop it, or {_ELSEWHERE}"
    if reason in (errno.EACCES, errno.EPERM):
        return f"this user may not listen on port {port}: {_ELSEWHERE}, 1024 or more"
    found = reason if isinstance(reason, str) else errno.errorcode.get(reason, str(reason))
    return f"HOST={host} is no address of this machine ({found}): correct it, 127.0.0.1 or 0.0.0.0 mostly"
