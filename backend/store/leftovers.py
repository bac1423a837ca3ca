"""Half-written files and directories of processes that were killed while they wrote."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

_TEMPORARY = re.compile(r"^\..+\.(\d+)$")
"""`.{name}.{process id}`, as `write_atomically` and `VersionStore.save` name what they write."""
OLD = 3600
"""Seconds after which nobody writes any more, whoever has the process id now."""


def sweep(directory: Path) -> int:
    """Delete what is left below a project's directory; returns how many. For whoever alone may write."""
    found = [path for path in directory.rglob(".*") if _is_left(path)]
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(found)


def _is_left(path: Path) -> bool:
    """Its process is gone. One of another machine's looks so too: hence the lock this is called under."""
    match = _TEMPORARY.match(path.name)
    if match is None:
        return False
    try:
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    return age > OLD or not _runs(int(match.group(1)))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    return True
