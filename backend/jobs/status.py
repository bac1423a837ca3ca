"""What has become of a job, for people and scripts."""

from __future__ import annotations

import zlib
from dataclasses import asdict
from typing import Any

from redis import Redis, ResponseError
from rq.exceptions import InvalidJobOperation
from rq.job import Job, JobStatus
from rq.results import Result

from backend.jobs.encoding_progress import EncodingProgress
from backend.jobs.failing import REASON
from backend.jobs.job import AtlasJob
from backend.jobs.kinds import is_our_id
from backend.jobs.newcomers import Newcomers

UNREADABLE = "its outcome cannot be read"


def job_status(redis: Redis, job_id: str) -> dict[str, Any] | None:
    """State, times (ISO 8601, UTC), result and reason of failure of a job of ours; None for any other id,
    and for an unknown or forgotten one. Retrains of projects that no worker has found yet are deferred.

    While texts of a retrain's project wait to be encoded, with how many of them are, and how quick that is.
    """
    if not is_our_id(job_id):
        return None
    job = AtlasJob.read(job_id, redis)
    kind, _, project = job_id.partition("-")
    if job is None and kind == "retrain" and int(project) in Newcomers(redis):
        return {"job_id": job_id, "status": JobStatus.DEFERRED.value, "error": None}
    try:
        answer = None if job is None else _described(job)
    except InvalidJobOperation:  # forgotten meanwhile
        return None
    if answer is not None and kind == "retrain":
        progress = EncodingProgress(redis, int(project)).read()
        answer |= {} if progress is None else {"encoding": asdict(progress)}
    return answer


def _described(job: Job) -> dict[str, Any]:
    status = job.get_status()
    times = ("created_at", "enqueued_at", "started_at", "ended_at")
    answer: dict[str, Any] = {"job_id": job.id, "status": status.value}
    answer |= {name: moment and moment.isoformat() for name in times for moment in [getattr(job, name)]}
    try:
        outcome: Result | None = job.latest_result()
    except (ResponseError, KeyError, ValueError, AttributeError, TypeError, zlib.error):
        return answer | {"error": UNREADABLE}  # somebody else wrote it
    if status == JobStatus.FINISHED:
        return answer | {"result": outcome and outcome.return_value}
    reason = job.meta.get(REASON)
    return answer | {"error": str(reason) if reason else _last_words(outcome)}


def _last_words(outcome: Result | None) -> str | None:
    """Of a job that RQ failed by itself."""
    text = outcome.exc_string if outcome is not None else None
    return text.strip().splitlines()[-1] if text and text.strip() else None
