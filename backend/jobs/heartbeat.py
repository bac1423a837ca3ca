"""Whether a worker or cron that is registered in Redis still lives."""

from __future__ import annotations

import socket
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from redis import Redis

from backend.jobs.values import mended, number

BEAT_SECONDS = 10
"""Between two signs of life of a worker or cron, at most."""
SILENT = 3 * BEAT_SECONDS
"""Seconds without one after which a process is taken for dead."""

_LAST_KEY = "atlas:beat"


def note_beat(redis: Redis) -> None:
    """Some worker lives."""
    redis.set(_LAST_KEY, time.time())


def last_beat(redis: Redis) -> float | None:
    """When any worker last gave a sign of life, in seconds since 1970; None where none is known of."""
    return number(mended(redis, _LAST_KEY, lambda: redis.get(_LAST_KEY))) or None


def is_alive(process: Any, now: datetime | None = None) -> bool:
    """A killed one stays in RQ's registry for a minute or two; on this machine its process tells.

    now: by the clock that those of all machines are held against; None for this machine's own.
    """
    if process.last_heartbeat is None or age(process.last_heartbeat, now) > SILENT:
        return False
    here = process.hostname == socket.gethostname() and process.pid and Path("/proc/self").exists()
    return not here or Path(f"/proc/{process.pid}").exists()


def age(moment: datetime, now: datetime | None = None) -> float:
    """Seconds since a time in UTC, which RQ tells with or without saying so."""
    return ((now or datetime.now(timezone.utc)) - moment.replace(tzinfo=timezone.utc)).total_seconds()
