"""Run the web server."""

from __future__ import annotations

import os
import sys

from backend.running.backend import inherited_environment
from backend.settings import Settings

PRELOAD = "--preload"
"""Load the application once, before listening: the first webhook must not wait for an import."""


def serve(settings: Settings) -> None:
    """Replace this process by gunicorn serving the application. Does not return."""
    arguments = [
        *(sys.executable, "-m", "gunicorn", "backend._wsgi:app", PRELOAD),
        *("--bind", f"{settings.host}:{settings.port}"),
        *("--workers", str(settings.web_workers), "--threads", str(settings.web_threads)),
        *("--worker-class", "gthread", "--timeout", "120", "--log-level", "warning"),
    ]
    threads = os.environ.get("OMP_NUM_THREADS", "1")  # many small answers, not one large
    os.execve(arguments[0], arguments, {**inherited_environment(), "OMP_NUM_THREADS": threads})
