"""RQ's cron: what runs by the clock."""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from redis import Redis, RedisError
from redis.client import Pipeline
from rq.cron import CronJob, CronScheduler
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from backend.jobs.dispatch import Dispatcher
from backend.jobs.heartbeat import BEAT_SECONDS
from backend.jobs.job import AtlasJob
from backend.jobs.kinds import RECONCILE, UPKEEP_QUEUE
from backend.settings import Settings

logger = logging.getLogger(__name__)

FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
"""Seconds between attempts to reach a Redis that is away: each wait is twice the one before."""


class UniqueCronJob(CronJob):
    """Enqueued by our dispatcher: as JSON like every job here, and not while the last one still waits."""

    def __init__(self, settings: Settings):
        self._settings = settings
        super().__init__(UPKEEP_QUEUE, func_name=RECONCILE, interval=int(settings.reconcile_every))

    def enqueue(self, connection: Redis) -> Job:
        job_id = Dispatcher(connection, self._settings).request_reconcile()
        return AtlasJob.fetch(job_id, connection=connection, serializer=JSONSerializer)


class PatientCron(CronScheduler):
    """RQ's, which ends with the first answer that Redis does not give, made to outlive a restart of Redis."""

    def run(self) -> None:
        """Until TERM or Ctrl-C. What fell due while Redis was away is done as soon as it is back."""
        wait = FIRST_WAIT
        while True:
            began = time.monotonic()
            try:
                self.start()
                return
            except RedisError as error:
                if time.monotonic() - began > LONGEST_WAIT:  # it worked meanwhile
                    wait = FIRST_WAIT
                logger.warning("Redis is away (%s); trying again in %.0f s", error, wait)
            try:
                time.sleep(wait)
            except (KeyboardInterrupt, StopRequested):  # by the handlers that `start` has set
                return
            wait = min(2 * wait, LONGEST_WAIT)

    def calculate_sleep_interval(self) -> float:
        """RQ gives a sign of life after each."""
        return min(BEAT_SECONDS, super().calculate_sleep_interval())

    def register_death(self, pipeline: Pipeline | None = None) -> None:
        """Not even this may hide why the cron ends: Redis forgets a silent one by itself."""
        with suppress(RedisError):
            super().register_death(pipeline)


def create_cron(settings: Settings) -> PatientCron:
    """`run()` runs it. The first look comes at once: much may have been missed."""
    scheduler = PatientCron(connection=Redis.from_url(settings.redis_url), logging_level="WARNING")
    scheduler.get_jobs().append(UniqueCronJob(settings))
    return scheduler
