"""Log lines that say which process, project and job they belong to."""

from __future__ import annotations

import logging
from contextvars import ContextVar

_context: ContextVar[str] = ContextVar("log_context", default="")


def configure(level: str, process: str) -> None:
    """Set up logging for one process; `process` is the word each line starts with."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(f"%(asctime)s {process} %(levelname)s %(context)s%(message)s"))
    handler.addFilter(_add_context)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # The HTTP client logs every request at INFO; the queue would drown in them.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def set_context(text: str) -> None:
    """From now on every line of this thread or task starts with `text`, such as "project 3: "."""
    _context.set(text)


def _add_context(record: logging.LogRecord) -> bool:
    record.context = _context.get()
    return True
