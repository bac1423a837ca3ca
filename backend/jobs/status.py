"""What has become of a job, for people and scripts."""

from __future__ import annotations

from typing import Any

from redis import Redis
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from backend.jobs.failing import REASON


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


def _last_words(job: Job) -> str | None:
    """Of a job that RQ failed by itself."""
    result = job.latest_result()
    text = result.exc_string if result is not None else None
    return text.strip().splitlines()[-1] if text and text.strip() else None
