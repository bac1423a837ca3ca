"""RQ's cron: what runs by the clock."""

from __future__ import annotations

from redis import Redis
from rq.cron import CronJob, CronScheduler
from rq.job import Job
from rq.serializers import JSONSerializer

from backend.jobs.dispatch import RECONCILE, UPKEEP_QUEUE, Dispatcher
from backend.settings import Settings


class UniqueCronJob(CronJob):
    """Enqueued by our dispatcher: as JSON like every job here, and not while the last one still waits."""

    def __init__(self, settings: Settings):
        self._settings = settings
        super().__init__(UPKEEP_QUEUE, func_name=RECONCILE, interval=int(settings.reconcile_every))

    def enqueue(self, connection: Redis) -> Job:
        job_id = Dispatcher(connection, self._settings).request_reconcile()
        return Job.fetch(job_id, connection=connection, serializer=JSONSerializer)


def create_cron(settings: Settings) -> CronScheduler:
    """`start()` runs it, until TERM or Ctrl-C. The first look comes at once: much may have been missed."""
    scheduler = CronScheduler(connection=Redis.from_url(settings.redis_url), logging_level="WARNING")
    scheduler.get_jobs().append(UniqueCronJob(settings))
    return scheduler
