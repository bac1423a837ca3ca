"""The whole backend on one machine: Redis, web server and worker under one parent."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.errors import AtlasError
from backend.running import WITHIN
from backend.running.embedded_redis import start_redis
from backend.running.health import health_of
from backend.running.port import wait_for_port
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.store.paths import make_data_dir

PARTS = {"worker": ["worker", "--only=retrain"], "upkeep": ["worker", "--only=upkeep"], "cron": ["cron"]}
"""Beside Redis and the web server."""


@contextmanager
def lock(data_dir: Path) -> Iterator[None]:
    """Two backends on one data directory would overwrite each other. Raises AtlasError if there is one."""
    make_data_dir(data_dir)
    with open(data_dir / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AtlasError(
                f"another label-studio-atlas is running on {data_dir}: stop it, or set DATA_DIR to another "
                "folder (for `connect` and `doctor`, too)"
            ) from error
        yield


def start_backend(
    supervisor: Supervisor, settings: Settings, env: dict[str, str], *, logs: Path | None = None
) -> dict[str, str]:
    """Start what is needed and return once the web server answers.

    env: environment of the children; REDIS_URL in it means that Redis is somebody else's. logs: folder
    for their output, None for our own. Returns the environment with everything the backend was given.
    """
    given = {"DATA_DIR": str(settings.data_dir), "HOST": settings.host, "PORT": str(settings.port)}
    env = {**env, **given, WITHIN: "up"}
    url = f"{settings.own_url}/health"
    if _healthy(url):
        raise AtlasError(
            f"port {settings.port} is taken by another label-studio-atlas: stop it, or set PORT to another "
            "one (for `connect` and `doctor`, too)"
        )
    wait_for_port(settings)
    if not env.get("REDIS_URL"):
        env["REDIS_URL"] = start_redis(supervisor, settings.data_dir, env)
    this_program = [sys.executable, "-m", "backend"]
    tuner = {"tuner": ["worker", "--only=tune"]} if settings.fine_tune in ("last", "all") else {}
    for name, arguments in {**PARTS, **tuner}.items():
        supervisor.start(name, [*this_program, *arguments], env, log=_log(logs, name))
    supervisor.start(
        "web server", [*this_program, "serve"], env, log=_log(logs, "web"), ready=lambda: _healthy(url)
    )
    supervisor.check()
    return env


def _log(folder: Path | None, name: str) -> Path | None:
    return None if folder is None else folder / f"{name}.log"


def _healthy(url: str) -> bool:
    try:
        return bool(health_of(url, 1)["name"] == "label-studio-atlas")
    except (OSError, ValueError, LookupError, TypeError):
        return False


def inherited_environment() -> dict[str, str]:
    """Our own environment for the children, with this package importable from any folder."""
    package_parent = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}
