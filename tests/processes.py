"""Processes that tests need."""

from __future__ import annotations

import os


def gone_pid() -> int:
    """The number of a process that has ended."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid
