"""How servers are reached: Label Studio as its API is, others at addresses that were looked at."""

from __future__ import annotations

from contextlib import AbstractContextManager

import httpx

from backend.content.connecting import Asked, CheckedBackend
from backend.content.hosts import Reach
from backend.labelstudio.bounds import Deadline, TimedBackend, proxy_to, tls_context

CONNECT_SECONDS = 10


class Roads:
    """label_studio: its address. No cookie is kept, no redirect followed, and no header added but Host.

    Behind a proxy it is the proxy that looks names up: only servers that CONTENT_HOSTS names in full are
    asked through it.
    """

    def __init__(self, label_studio: str):
        self._deadline, self._asked = Deadline(), Asked()
        self._to_label_studio = self._transport(proxy_to(label_studio))
        self._checked = self._transport(None, checked=True)
        self._by_proxy: dict[str, httpx.HTTPTransport] = {}

    def within(self, seconds: float) -> AbstractContextManager[None]:
        return self._deadline.within(seconds)

    def close(self) -> None:
        for transport in (self._to_label_studio, self._checked, *self._by_proxy.values()):
            transport.close()

    def ask(self, url: httpx.URL, headers: dict[str, str], reach: Reach | None) -> httpx.Response:
        """GET. reach: None for Label Studio itself. The answer's body is still to be read.

        Raises NoContent for a server that is where it may not be, and httpx's errors.
        """
        left = self._deadline.left(None)
        seconds = {"connect": CONNECT_SECONDS, "read": left, "write": left, "pool": left}
        request = httpx.Request("GET", url, headers=headers, extensions={"timeout": seconds})
        self._asked.reach = reach or Reach.NOWHERE
        return self._road(str(url), reach).handle_request(request)

    def _road(self, url: str, reach: Reach | None) -> httpx.HTTPTransport:
        if reach is None:
            return self._to_label_studio
        proxy = proxy_to(url) if reach is Reach.ANYWHERE else None
        if proxy is None:
            return self._checked
        return self._by_proxy.setdefault(proxy, self._transport(proxy))

    def _transport(self, proxy: str | None, checked: bool = False) -> httpx.HTTPTransport:
        transport = httpx.HTTPTransport(verify=tls_context(), proxy=proxy)
        backend = TimedBackend(transport._pool._network_backend, self._deadline)
        # httpx hands no network backend on; tests/unit/test_fetching.py fails where this has no effect.
        transport._pool._network_backend = (
            CheckedBackend(backend, self._deadline, self._asked) if checked else backend
        )
        return transport
