"""The web application in a thread of this process, for a browser that looks at its pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import make_server

from backend.settings import Settings
from backend.web import create_app


@contextmanager
def pages_served(settings: Settings) -> Iterator[str]:
    """Gives its address, with a free port."""
    server = make_server("127.0.0.1", 0, create_app(settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
