"""Whether a worker or cron that is registered in Redis still lives."""

from __future__ import annotations

import socket
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

BEAT_SECONDS = 10
"""Between two signs of life of a worker or cron, at most."""
SILENT = 3 * BEAT_SECONDS
"""Seconds without one after which a process is taken for dead."""


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
