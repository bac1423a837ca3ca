"""Whether a worker or cron that is registered in Redis still lives."""

from __future__ import annotations

import socket
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

SILENT = 120
"""Seconds without a sign of life after which a process is taken for dead; each gives one a minute."""


def is_alive(process: Any) -> bool:
    """A killed one stays in RQ's registry for a minute or two; on this machine its process tells."""
    if process.last_heartbeat is None or age(process.last_heartbeat) > SILENT:
        return False
    here = process.hostname == socket.gethostname() and process.pid and Path("/proc/self").exists()
    return not here or Path(f"/proc/{process.pid}").exists()


def age(moment: datetime) -> float:
    """Seconds since a time in UTC, which RQ tells with or without saying so."""
    return (datetime.now(timezone.utc) - moment.replace(tzinfo=timezone.utc)).total_seconds()
