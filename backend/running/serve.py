"""Run the web server."""

from __future__ import annotations

import os
import sys

from backend.settings import Settings

PRELOAD = "--preload"
"""Load the application once, before listening: the first webhook must not wait for an import."""


def serve(settings: Settings) -> None:
    """Replace this process by gunicorn serving the application. Does not return."""
    os.environ["OMP_NUM_THREADS"] = os.environ.get(
        "OMP_NUM_THREADS", "1"
    )  # many small answers, not one large
    arguments = [
        *(sys.executable, "-m", "gunicorn", "backend._wsgi:app", PRELOAD),
        *("--bind", f"{settings.host}:{settings.port}"),
        *("--workers", str(settings.web_workers), "--threads", str(settings.web_threads)),
        *("--worker-class", "gthread", "--timeout", "120", "--log-level", "warning"),
    ]
    # -m puts the current folder on the search path; a checkout's siblings must not shadow the package.
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [_package_parent(), os.environ.get("PYTHONPATH")])
    )
    os.execv(arguments[0], arguments)


def _package_parent() -> str:
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
