"""Connections to addresses that were looked at: a name is looked up once, and what was checked is what is
connected to. So no name leads elsewhere between the check and the connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from typing import Any

import httpcore

from backend.content.hosts import Reach
from backend.content.networks import is_never_asked, is_public, parse
from backend.errors import NoContent
from backend.labelstudio.bounds import Deadline


class Asked(threading.local):
    """Where the server may be that this thread is asking."""

    reach = Reach.NOWHERE


class CheckedBackend(httpcore.NetworkBackend):
    """Raises NoContent for a server that is where `asked` does not allow."""

    def __init__(self, inner: httpcore.NetworkBackend, deadline: Deadline, asked: Asked):
        self._inner = inner
        self._deadline = deadline
        self._asked = asked

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        found = looked_up(host, port, self._deadline.left(timeout))
        allowed = [each for each in found if _may_be(each, self._asked.reach)]
        if not allowed:
            raise NoContent(_why_not(host, found, self._asked.reach))
        for last, address in enumerate(allowed, 1 - len(allowed)):
            try:
                return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if last == 0:
                    raise
        raise AssertionError("there is at least one address")


def looked_up(host: str, port: int, seconds: float | None) -> list[str]:
    """The addresses behind a name. The system's resolver knows no time limit, so it is left behind.

    Raises httpcore.ConnectError or ConnectTimeout.
    """
    answer: SimpleQueue[list[str] | OSError] = SimpleQueue()

    def look() -> None:
        try:
            found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
            answer.put(list(dict.fromkeys(str(each[4][0]) for each in found)))
        except (OSError, UnicodeError) as error:
            answer.put(OSError(str(error)))

    threading.Thread(target=look, name="look-up", daemon=True).start()
    try:
        found = answer.get(timeout=seconds)
    except Empty:
        raise httpcore.ConnectTimeout("the time for the whole call is up") from None
    if isinstance(found, OSError):
        raise httpcore.ConnectError(f"{host}: {found}") from found
    return found


def _may_be(address: str, reach: Reach) -> bool:
    where = parse(address)
    if is_never_asked(where) or reach is Reach.NOWHERE:
        return False
    return reach is Reach.ANYWHERE or is_public(where)


def _why_not(host: str, found: list[str], reach: Reach) -> str:
    there = f"{host} is {found[0]}" if found and found[0] != host else host
    if not found or any(is_never_asked(parse(each)) for each in found):
        return f"{there}, which nothing is fetched from"
    return f"{there}, a private address: where it may be asked, CONTENT_HOSTS must name it"
