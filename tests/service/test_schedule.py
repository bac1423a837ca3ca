"""Machines whose clocks are a day ahead of Redis's, or behind: jobs are due when they are by Redis's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
import rq.job
import rq.utils
from redis import Redis
from rq import Retry
from rq.registry import ScheduledJobRegistry
from rq.serializers import JSONSerializer

from backend.jobs.clock import due_in
from backend.jobs.dispatch import Dispatcher
from backend.jobs.job import AtlasJob
from backend.jobs.kinds import FLUSH
from backend.jobs.worker import create_worker
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings


@pytest.fixture
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with Supervisor() as supervisor:
        yield Settings(redis_url=start_redis(supervisor, tmp_path_factory.mktemp("redis"), dict(os.environ)))


@pytest.fixture(params=[1, -1], ids=["ahead", "behind"])
def _clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day off, where RQ asks for the time."""
    for module in (rq.utils, rq.job):
        monkeypatch.setattr(module, "now", lambda: datetime.now(timezone.utc) + timedelta(days=request.param))


@pytest.mark.usefixtures("_clock")
def test_jobs_are_put_on_the_queue_when_they_are_due(settings: Settings) -> None:
    dispatch = Dispatcher.from_settings(settings)
    for job_id, seconds in {"due": -1, "later": 3600}.items():
        dispatch.upkeep.enqueue_at(due_in(dispatch.redis, seconds), FLUSH, 7, job_id=job_id)

    create_worker(settings).work(burst=True, with_scheduler=True, logging_level="CRITICAL")

    assert ScheduledJobRegistry(queue=dispatch.upkeep).get_job_ids() == ["later"]
    assert dispatch.redis.keys("rq:scheduler*") == []


@pytest.mark.usefixtures("_clock")
def test_a_failed_job_waits_for_its_next_try_as_long_as_it_should(settings: Settings) -> None:
    redis = Redis.from_url(settings.redis_url)
    queue = Dispatcher.from_settings(settings).queue
    queue.enqueue(FLUSH, 7, job_id="failed", retry=Retry(max=2, interval=[60, 360]))
    job = AtlasJob.fetch("failed", connection=redis, serializer=JSONSerializer)
    with redis.pipeline() as pipeline:
        job.retry(queue, pipeline)
        pipeline.execute()
    due = ScheduledJobRegistry(queue=queue).get_scheduled_time(job)
    assert 55 <= due.timestamp() - redis.time()[0] <= 60
