"""What has become of a job, for people and scripts."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any

from redis import Redis
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from backend.errors import AtlasError

REASON = "reason"
"""Where a job's meta keeps why its last attempt failed: RQ itself forgets that when it tries again."""


def job_status(redis: Redis, job_id: str) -> dict[str, Any] | None:
    """State, times (ISO 8601, UTC), result and reason of failure of an RQ job; None for an unknown one."""
    try:
        return _told(Job.fetch(job_id, connection=redis, serializer=JSONSerializer))
    except (NoSuchJobError, ValueError):  # ValueError: not even the shape of an id, or no JSON of ours
        return None


def _told(job: Job) -> dict[str, Any]:
    status = job.get_status()
    times = ("created_at", "enqueued_at", "started_at", "ended_at")
    answer: dict[str, Any] = {"job_id": job.id, "status": status.value}
    answer |= {name: moment and moment.isoformat() for name in times for moment in [getattr(job, name)]}
    if status == JobStatus.FINISHED:
        answer["result"] = job.return_value()
    else:
        answer["error"] = job.meta.get(REASON) or _last_words(job)
    return answer


def remember_reason(
    job: Job, kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> bool:
    """An RQ exception handler. Our own errors are made to be read; of others the last line must do."""
    lines = traceback.format_exception_only(kind, error)
    job.meta[REASON] = str(error) if isinstance(error, AtlasError) else lines[-1].strip()
    job.save_meta()
    return True  # and on to RQ's own handler


def _last_words(job: Job) -> str | None:
    """Of a job that died without an exception of its own, such as one killed for its memory."""
    result = job.latest_result()
    text = result.exc_string if result is not None else None
    return text.strip().splitlines()[-1] if text and text.strip() else None
