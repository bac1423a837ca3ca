"""The fake Label Studio behind a real socket, so that the backend's own client talks to it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.routes import create_app


class _KeepsAlive(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object) -> None:
        pass


class FakeServer:
    """Serves one fake at a time: `show` puts another in its place."""

    def __init__(self) -> None:
        self._state = FakeLabelStudio()
        self.http = make(lambda: self._state)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def show(self, state: FakeLabelStudio) -> FakeLabelStudio:
        self._state = state
        return state


def make(shown: Callable[[], FakeLabelStudio], port: int = 0) -> BaseWSGIServer:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", port, create_app(shown), threaded=True, request_handler=_KeepsAlive)
    server.daemon_threads = True  # type: ignore[attr-defined]
    return server


@contextmanager
def served() -> Iterator[FakeServer]:
    """On a free port, in a thread of this process."""
    server = FakeServer()
    thread = threading.Thread(target=server.http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        thread.join()
        server.http.server_close()
