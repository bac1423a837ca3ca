"""Lines of the log that strangers can cause: said, but not as often as they like."""

from __future__ import annotations

import logging
import threading
import time

SECONDS = 3_600
MOST = 20
"""Different lines within SECONDS, of each process."""


class Seldom(logging.Filter):
    """A logger that has it says each line once within SECONDS, and MOST different ones."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}
        """Line to when it may be said again."""
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        line, now = record.getMessage(), time.monotonic()
        with self._lock:
            self._said = {each: until for each, until in self._said.items() if until > now}
            if line in self._said or len(self._said) >= MOST:
                return False
            self._said[line] = now + SECONDS
            return True


def seldom(logger: logging.Logger) -> None:
    """From now on, whatever was said before. An application that is made anew begins anew."""
    for before in [each for each in logger.filters if isinstance(each, Seldom)]:
        logger.removeFilter(before)
    logger.addFilter(Seldom())
