"""Run the web server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from backend.running.backend import inherited_environment
from backend.settings import Settings
from backend.store.page_token import page_token
from backend.store.paths import make_data_dir

PRELOAD = "--preload"
"""Load the application once, before listening: the first webhook must not wait for an import."""


def serve(settings: Settings) -> None:
    """Replace this process by gunicorn serving the application. Does not return."""
    make_data_dir(settings.data_dir)
    page_token(settings.data_dir)
    arguments = [
        *(sys.executable, "-m", "gunicorn", "backend._wsgi:app", PRELOAD),
        *("--bind", settings.bind),
        *("--workers", str(settings.web_workers), "--threads", str(settings.web_threads)),
        *("--worker-class", "backend.running.patient.PatientWorker"),
        *("--timeout", "120", "--log-level", "warning"),
        *("--forwarder-headers", ""),  # no header says under which path this is: nobody could be trusted
    ]
    env = {
        **inherited_environment(),
        "SCRIPT_NAME": "",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),  # many small answers, not one large
        "PROMETHEUS_MULTIPROC_DIR": str(_empty_counts(settings)),
    }
    os.execve(arguments[0], arguments, env)


def _empty_counts(settings: Settings) -> Path:
    """The folder of files, one per process, that requests are counted in; the last server's are deleted."""
    folder = settings.prometheus_multiproc_dir or settings.data_dir / "metrics" / str(settings.port)
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink()
    return folder
