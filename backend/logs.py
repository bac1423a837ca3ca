"""Log lines that say which process, project and job they belong to: for people, or as JSON."""

from __future__ import annotations

import json
import logging
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timezone
from typing import Any

from backend.printable import printable, printable_lines

_project: ContextVar[int | None] = ContextVar("project", default=None)
_job: ContextVar[str | None] = ContextVar("job", default=None)


def configure(level: str, process: str, form: str = "plain") -> None:
    """Set up logging for one process. process: the word each line starts with; form: "plain" or "json"."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(process) if form == "json" else PlainFormatter(process))
    handler.addFilter(_add_context)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    if level == "DEBUG":  # ours alone: HTTP clients would show every header, cookies among them
        logging.getLogger().setLevel(logging.INFO)
        logging.getLogger("backend").setLevel(level)
    # HTTP clients log every request at INFO, or where each found its credentials; RQ's cron each step.
    for talkative in ("httpx", "aiobotocore", "botocore", "rq.cron"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    # gunicorn has handlers of its own; its lines are to look like ours.
    gunicorn = logging.getLogger("gunicorn.error")
    gunicorn.handlers.clear()
    gunicorn.propagate = True


def set_project(project_id: int) -> None:
    """From now on every line of this thread or task belongs to the project."""
    _project.set(project_id)


@contextmanager
def job(job_id: str, project_id: int | None) -> Iterator[None]:
    """Every line within belongs to the job, those of processes forked within too."""
    tokens = _job.set(job_id), _project.set(project_id)
    try:
        yield
    finally:
        _job.reset(tokens[0])
        _project.reset(tokens[1])


class PlainFormatter(logging.Formatter):
    """One line, and below it, indented, where an exception comes from. What is not seen is escaped."""

    def __init__(self, process: str):
        super().__init__(f"%(asctime)s {process} %(levelname)s %(context)s%(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return printable_lines(textwrap.indent(super().formatException(ei), "  "))


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def __init__(self, process: str):
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": self._process,
            "project": _project.get(),
            "job": _job.get(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps({key: value for key, value in entry.items() if value is not None})


def _is_named(record: logging.LogRecord, named: str) -> bool:
    """A line that cannot be put together is told as logging tells it; it must not stop who logs it."""
    try:
        return record.getMessage().startswith(named)
    except (TypeError, ValueError, KeyError):
        return False


def _add_context(record: logging.LogRecord) -> bool:
    job_id, project = _job.get(), _project.get()
    named = f"project {project}: " if project else ""
    if _is_named(record, named):  # by whoever is called outside jobs, too
        named = ""
    record.context = (f"[{job_id}] " if job_id else "") + named
    return True
