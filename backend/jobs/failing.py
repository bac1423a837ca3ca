"""What becomes of a job that fails: its reason is kept, and a project that keeps failing is set aside."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sqlite3
import traceback
from math import ceil
from types import TracebackType
from typing import Any

from redis import RedisError
from rq.exceptions import AbandonedJobError
from rq.job import Job

from backend.errors import (
    AccessDenied,
    AtlasError,
    LostLock,
    ModelStoreError,
    NotConfigured,
    ProjectBusy,
    Unavailable,
    Unreachable,
)
from backend.jobs.failed_jobs import FailedJobs
from backend.jobs.kinds import OF_A_PROJECT, RETRAIN
from backend.jobs.state import ProjectState
from backend.settings import Settings

logger = logging.getLogger(__name__)

REASON = "reason"
"""Where a job's meta keeps why its last attempt failed: RQ itself forgets that when it tries again."""
AWAY = (Unreachable, Unavailable, AccessDenied, NotConfigured, ModelStoreError, RedisError)
ROOM = 2**20
"""Bytes; where less is free the disk is full."""
OUTAGES = (*AWAY, ProjectBusy, LostLock)
"""No fault of the project's: it must be tried as soon as the part that is away has come back."""


def failed(job: Job, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> bool:
    """An RQ exception handler. Our own errors are made to be read; of others the last line must do."""
    if isinstance(error, Unavailable) and job.retry_intervals:
        job.retry_intervals = [max(wait, ceil(error.retry_after)) for wait in job.retry_intervals]
        if job.func_name == RETRAIN:
            ProjectState(job.connection, job.args[0]).leave_in_peace(ceil(error.retry_after))
    reason = str(error) if isinstance(error, AtlasError) else _last_line(kind, error)
    disk_is_full = _is_of_a_full_disk(error)
    if kind is AbandonedJobError:
        reason = "the worker that ran it has vanished"
    elif disk_is_full:
        reason = f"no space left for DATA_DIR, {Settings().data_dir}: make room ({reason})"
    _note(job, reason, outage=disk_is_full or isinstance(error, OUTAGES))
    return True  # and on to RQ's own handler


def killed(job: Job, pid: int, status: int, usage: Any) -> None:
    """RQ's handler for a job whose process died."""
    signal = f" by signal {os.WTERMSIG(status)}" if status is not None and os.WIFSIGNALED(status) else ""
    reason = f"its process was killed{signal}, perhaps for its memory"
    logger.error("%s: %s", job.id, reason)  # RQ's own line says "waitpid returned 9", no more
    _note(job, reason, outage=False)


def _note(job: Job, reason: str, *, outage: bool) -> None:
    job.meta[REASON] = reason
    job.save_meta()
    kind, _, project = job.id.partition("-")
    if kind in OF_A_PROJECT:
        FailedJobs(job.connection, int(project)).note(kind, reason)
    if job.func_name != RETRAIN or job.should_retry or outage:
        return
    project_id = job.args[0]
    seconds = ProjectState(job.connection, project_id).set_aside(reason, Settings().set_aside_for)
    logger.error("project %d is set aside for %d s: %s", project_id, seconds, reason)


def _is_of_a_full_disk(error: BaseException) -> bool:
    """SQLite says "disk I/O error" where there is no room for the files beside its own."""
    if not isinstance(error, (OSError, sqlite3.OperationalError)):
        return False
    return getattr(error, "errno", None) == errno.ENOSPC or shutil.disk_usage(Settings().data_dir).free < ROOM


def _last_line(kind: type[BaseException], error: BaseException) -> str:
    return traceback.format_exception_only(kind, error)[-1].strip()
