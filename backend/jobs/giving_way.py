"""What a job's process leaves to others: processor time, and memory where it runs short."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

NICENESS = 10
"""Of a retrain, and of encoding: where processors are short, the web server's short answers come first."""
LAST = 19
"""Of fine-tuning: everything else comes first."""
_OOM_SCORE = Path("/proc/self/oom_score_adj")
FIRST_TO_GO = 500
"""Of -1000 to 1000: as if it held half of the memory more. A job that is killed is tried again, and its
worker says why; without this the kernel may as well end the worker, the web server or Label Studio."""


def leave_processors(niceness: int = NICENESS) -> None:
    os.nice(niceness)


def leave_memory() -> None:
    """On Linux; elsewhere nothing happens."""
    with suppress(OSError):
        _OOM_SCORE.write_text(str(FIRST_TO_GO))
