"""Jobs that RQ has lost: their record says that they wait or run, and no list or registry knows them.

A process killed in the moment between two of RQ's commands leaves such a record, and so does a Redis
that comes back without its last second. Since our jobs' ids are unique, it would be in the way for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.registry import ScheduledJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer

from backend.jobs.job import AtlasJob
from backend.jobs.values import mended, whole
from backend.store.waiting import Shard

logger = logging.getLogger(__name__)

SURE = 5
"""Seconds for which a job must have been missing: on its way from list to registry it is in neither."""
SHARDS_LOOKED_FOR = 50
_REMEMBERED = 3600


def forget_if_lost(redis: Redis, job_id: str) -> bool:
    """Delete the job's record if it is lost, and was when last asked, some seconds ago."""
    job = AtlasJob.read(job_id, redis)
    if job is None:
        return False
    mark = f"atlas:lost:{job_id}"
    if not _is_lost(redis, job):
        redis.delete(mark)
        return False
    now = redis.time()[0]
    redis.set(mark, now, nx=True, ex=_REMEMBERED)
    if now - whole(mended(redis, mark, lambda: redis.get(mark)), now) < SURE:
        return False
    logger.warning("%s was lost while it was %s", job_id, job.get_status().value)
    forget_dead_executions(job)
    job.delete()
    redis.delete(mark)
    return True


def forget_lost_shards(redis: Redis, project_id: int, shards: Sequence[Shard]) -> None:
    """As `forget_if_lost`, of the first of them: each is looked for in the whole queue."""
    for shard in shards[:SHARDS_LOOKED_FOR]:
        forget_if_lost(redis, f"encode-{project_id}-{shard.key}")


def forget_dead_executions(job: Job) -> None:
    """To be called before RQ deletes a job: it stumbles over what a killed worker left in this list."""
    job.connection.delete(job.execution_registry.key)


def _is_lost(redis: Redis, job: Job) -> bool:
    queue = Queue(job.origin, connection=redis, serializer=JSONSerializer, job_class=AtlasJob)
    status = job.get_status()
    if status == JobStatus.SCHEDULED:
        return job.id not in ScheduledJobRegistry(queue=queue)
    if status not in (JobStatus.QUEUED, JobStatus.STARTED):
        return False
    waits = job.id in queue.get_job_ids() or job.id in queue.intermediate_queue.get_job_ids()
    return not waits and job.id not in StartedJobRegistry(queue=queue)
