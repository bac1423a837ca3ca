"""Somebody else's ML backend, which does what a test tells it: over HTTP, so that what is asked of it is what
Label Studio would ask."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answered = tuple[int, bytes] | tuple[int, bytes, dict[str, str]]
"""Status and body, and headers beside the usual."""


class FakeBackend:
    """asked: every request so far, (path, body); answers: by path, what to answer to a body: JSON, or a
    status with bytes; what is not there is answered as label-studio-ml does."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.authorizations: list[str] = []
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self.version = "theirs-1"
        self.hanging = threading.Event()
        """Set: /predict answers once it is set no more, or the backend ends."""
        self._released = threading.Event()
        self.url = ""

    def bodies(self, path: str) -> list[Any]:
        return [body for asked, body in self.asked if asked == path]

    def answered(self, path: str, body: Any) -> Answered:
        self.asked.append((path, body))
        if path == "/predict" and self.hanging.is_set():
            self._released.wait(60)
        found = self.answers.get(path, self._usual(path))(body)
        return found if isinstance(found, tuple) else (200, json.dumps(found).encode())

    def release(self) -> None:
        self.hanging.clear()
        self._released.set()

    def _usual(self, path: str) -> Callable[[Any], Any]:
        return {
            "/health": lambda body: {"status": "UP"},
            "/setup": lambda body: {"model_version": self.version},
            "/predict": lambda body: {"results": [self.said(task) for task in body["tasks"]]},
            "/webhook": lambda body: {"job": "done"},
        }.get(path, lambda body: (404, b"no such page"))

    def said(self, task: dict[str, Any], score: float = 0.5) -> dict[str, Any]:
        """Of a text with one choice, whatever it is about."""
        region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["yes"]}}
        return {"result": [region], "score": score, "model_version": self.version}


@contextmanager
def served(backend: FakeBackend | None = None) -> Iterator[FakeBackend]:
    """On a port of this machine."""
    backend = backend or FakeBackend()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self._answer(json.loads(self.rfile.read(length)))

        def _answer(self, body: Any) -> None:
            backend.authorizations.append(self.headers.get("Authorization", ""))
            status, content, *headers = backend.answered(self.path, body)
            self.send_response(status)
            for name, value in headers[0].items() if headers else ():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *shown: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    backend.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield backend
    finally:
        backend.release()
        server.shutdown()
        server.server_close()
        thread.join()
