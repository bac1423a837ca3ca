"""Bounds on one call of a server: on the seconds of the whole of it, and on the bytes of its answer.

httpx bounds each read alone, so an answer of which a byte drips now and then would be read for ever.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from backend.addresses import is_loopback
from backend.errors import AnswerTooLarge
from backend.unpacking import UNPACKED, unpacked

MAX_ANSWER = 256 * 2**20
"""Bytes of one answer, unpacked; Label Studio itself takes no larger import."""
_OF_THE_CODING = {b"content-encoding", b"content-length", b"transfer-encoding"}


class Deadline(threading.local):
    """Until when this thread's call may take."""

    end: float | None = None

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        self.end = time.monotonic() + seconds
        try:
            yield
        finally:
            self.end = None

    def left(self, seconds: float | None) -> float | None:
        """Of these seconds, those that are left; 0 or less: the time is up."""
        if self.end is None:
            return seconds
        left = self.end - time.monotonic()
        return left if seconds is None else min(seconds, left)


class BoundedTransport(httpx.HTTPTransport):
    """To one server: calls within `deadline` end with it, and answers are read whole, up to `most` bytes
    unpacked, or MAX_ANSWER."""

    def __init__(self, url: str, most: int | None = None):
        super().__init__(verify=tls_context(), proxy=proxy_to(url))
        self.deadline = Deadline()
        self._most = most
        # httpx hands no network backend on; tests/unit/test_bounds.py fails where this has no effect.
        self._pool._network_backend = TimedBackend(self._pool._network_backend, self.deadline)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises AnswerTooLarge, and httpx.DecodingError for what is packed otherwise than by UNPACKED."""
        if request.headers.get("Accept-Encoding") != "identity":
            request.headers["Accept-Encoding"] = UNPACKED  # whatever else httpx has decoders for
        answer = super().handle_request(request)
        try:
            content = _content(answer, MAX_ANSWER if self._most is None else self._most)
        finally:
            answer.close()
        kept = [(key, value) for key, value in answer.headers.raw if key.lower() not in _OF_THE_CODING]
        return httpx.Response(answer.status_code, headers=kept, content=content, extensions=answer.extensions)


def ask(method: str, url: str, seconds: float, most: int, **options: Any) -> httpx.Response:
    """One request of whatever answers at `url`; its answer has up to `most` bytes.

    Raises httpx.HTTPError, also where the whole takes longer than `seconds`, and AnswerTooLarge.
    """
    transport = BoundedTransport(url, most)
    with httpx.Client(transport=transport, timeout=seconds) as http, transport.deadline.within(seconds):
        return http.request(method, url, **options)


def proxy_to(url: str) -> str | None:
    """The proxy that the environment names for this address; none for this machine itself."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(url) or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


@cache
def tls_context() -> ssl.SSLContext:
    """The certificates to trust, which take a while to read: once per process, or before it forks."""
    return httpx.create_ssl_context()


def _content(answer: httpx.Response, most: int) -> bytes:
    length = answer.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and len(length) < 19 and int(length) > most:
        raise AnswerTooLarge(f"{length} bytes in one answer; up to {most} are read")
    parts, size = [], 0
    for part in unpacked(answer):
        size += len(part)
        if size > most:
            raise AnswerTooLarge(f"more than {most} bytes in one answer are not read")
        parts.append(part)
    return b"".join(parts)


class TimedBackend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend, deadline: Deadline):
        self._inner = inner
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout)
        if left is not None and left <= 0:
            raise httpcore.ConnectTimeout("the time for the whole call is up")
        inner = self._inner.connect_tcp(host, port, left, local_address, socket_options)
        return _Stream(inner, self._deadline)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline):
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._deadline.left(timeout)
        if left is not None and left <= 0:
            raise httpcore.ReadTimeout("the time for the whole call is up")
        return self._inner.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """In pieces, so that a reader that takes a byte now and then is left in time too."""
        for start in range(0, len(buffer), 65536):
            left = self._deadline.left(timeout)
            if left is not None and left <= 0:
                raise httpcore.WriteTimeout("the time for the whole call is up")
            self._inner.write(buffer[start : start + 65536], left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout)
        if left is not None and left <= 0:
            raise httpcore.ConnectTimeout("the time for the whole call is up")
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
