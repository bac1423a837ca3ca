"""A proxy between two servers, so that a test can break, hold or count what passes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

_HOP = {"connection", "content-encoding", "content-length", "host", "keep-alive", "transfer-encoding"}
"""Headers that belong to one connection, and those that httpx and the server set anew."""


@dataclass(frozen=True)
class Answer:
    """What the caller gets. With `cut`, half of the body and then the end of the connection."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass(frozen=True)
class Call:
    """One request on its way. `forward()` sends it on, as often as it is called."""

    method: str
    path: str
    body: bytes
    forward: Callable[[], Answer]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


Meddler = Callable[[Call], Answer | None]
"""Decides what becomes of a call; None is a connection that ends without an answer."""


def forward(call: Call) -> Answer | None:
    return call.forward()


class Proxy:
    """Use as a context manager. Set `meddle` at any time; calls that have begun keep what they began with."""

    def __init__(self, target: str):
        self.meddle: Meddler = forward
        self._client = httpx.Client(base_url=target, timeout=300, limits=httpx.Limits(max_connections=None))
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """502 when the target does not answer."""
        try:
            answer = self._client.request(method, path, headers=headers, content=body)
        except httpx.HTTPError as error:
            return Answer(502, repr(error).encode())
        kept = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP}
        return Answer(answer.status_code, answer.content, kept)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that is killed does not wait for its answer: nothing to tell."""


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {key: value for key, value in self.headers.items() if key.lower() not in _HOP}
            method, path = self.command, self.path
            call = Call(method, path, body, lambda: proxy.send(method, path, headers, body))
            answer = proxy.meddle(call)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
            self.close_connection = self.close_connection or answer.cut

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _pass

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
