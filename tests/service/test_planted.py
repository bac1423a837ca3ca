"""What somebody who can write to Redis or to the data directory can make us do: nothing."""

from __future__ import annotations

import json
import os
import pickle
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, Worker
from rq.job import Job
from rq.registry import FailedJobRegistry, ScheduledJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer, PickleSerializer
from rq.webhook import Webhook

from backend.jobs.dispatch import Dispatcher
from backend.jobs.failing import REASON
from backend.jobs.job import AtlasJob
from backend.jobs.kinds import QUEUE_NAME, UPKEEP_QUEUE
from backend.jobs.state import ProjectState
from backend.jobs.status import UNREADABLE, job_status
from backend.jobs.worker import create_worker
from backend.running.backend import inherited_environment
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.web import create_app
from tests.e2e.steps import wait_until
from tests.service.listener import Listener


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with Supervisor() as supervisor:
        yield start_redis(supervisor, tmp_path, dict(os.environ))


@pytest.fixture
def sprung(tmp_path: Path) -> Path:
    """Exists once a trap has been sprung."""
    return tmp_path / "sprung"


def plant(redis: Redis, job_id: str, queue: str = QUEUE_NAME, **fields: Any) -> None:
    """A waiting job as RQ keeps it, with any of its fields replaced."""
    made = Queue(queue, connection=redis, serializer=JSONSerializer)
    made.enqueue("backend.jobs.housekeeping.flush", 1, job_id=job_id)
    redis.hset(Job.key_for(job_id), mapping=fields)


def names_function(name: str, *args: Any) -> bytes:
    return JSONSerializer.dumps([name, None, args, {}])


def aside(redis: Redis, queue: str = QUEUE_NAME) -> list[str]:
    return FailedJobRegistry(queue, connection=redis, serializer=JSONSerializer).get_job_ids()


def test_the_trap_works(sprung: Path) -> None:
    pickle.loads(pickle.dumps(Trap(sprung)))
    assert sprung.exists()


def test_a_real_worker_sets_planted_jobs_aside_and_goes_on(
    redis_url: str, sprung: Path, tmp_path: Path
) -> None:
    redis = Redis.from_url(redis_url)
    trap = pickle.dumps(Trap(sprung))
    stranger = Listener()
    hooks = json.dumps([Webhook(stranger.url, status).to_dict() for status in ("finished", "failed")])
    plant(redis, "pickled", data=trap)
    plant(redis, "pickled-meta", meta=trap, result=trap)
    plant(redis, "shell", data=names_function("os.mkdir", str(sprung)))
    plant(redis, "not-ours", data=names_function("os.strerror", 1))  # it takes a number, as ours do
    plant(redis, "many", data=names_function("backend.jobs.housekeeping.flush", str(sprung)))
    flush = "backend.jobs.housekeeping.flush"
    plant(redis, "named", data=JSONSerializer.dumps([flush, None, [1], {"more": 1}]))
    plant(redis, "of-a-thing", data=JSONSerializer.dumps([flush, "thing", [1], {}]))
    calls = dict.fromkeys(("success_callback_name", "failure_callback_name"), "os.mkdir")
    plant(redis, "calls-back", webhooks=hooks, **calls)
    Queue("atlas", connection=redis, serializer=PickleSerializer).enqueue(os.mkdir, str(sprung), job_id="rq")
    foreign = {"pickled", "shell", "not-ours", "many", "named", "of-a-thing", "rq"}
    env = {**inherited_environment(), "REDIS_URL": redis_url, "DATA_DIR": str(tmp_path / "data")}
    log = tmp_path / "worker.log"
    with Supervisor() as supervisor:
        supervisor.start("worker", [sys.executable, "-m", "backend", "worker"], env, log=log)
        honest = Dispatcher.from_settings(Settings(redis_url=redis_url))
        honest.request_reconcile()  # in another queue, which is worked on first
        wait_until(lambda: not Queue(QUEUE_NAME, connection=redis).get_job_ids())
        wait_until(lambda: foreign <= set(aside(redis)))
    assert not sprung.exists()
    assert (stranger.connections, set(aside(redis))) == (0, foreign)  # "calls-back" is one of ours, and ran
    read = {job: AtlasJob.read(job, redis) for job in foreign}
    assert [
        job for job, found in read.items() if found is None or "was not run" not in found.meta[REASON]
    ] == []
    assert {job_status(redis, job) for job in foreign} == {None}  # others' jobs are others' business


def test_rqs_scheduler_unpickles_nothing(redis_url: str, sprung: Path) -> None:
    redis = Redis.from_url(redis_url)
    plant(redis, "later", UPKEEP_QUEUE, data=pickle.dumps(Trap(sprung)))
    Queue(UPKEEP_QUEUE, connection=redis).remove("later")
    past = datetime.now(timezone.utc) - timedelta(minutes=1)
    queue = Queue(UPKEEP_QUEUE, connection=redis, serializer=JSONSerializer)
    job = Job.fetch("later", connection=redis, serializer=JSONSerializer)
    ScheduledJobRegistry(queue=queue).schedule(job, past)

    worker = create_worker(Settings(redis_url=redis_url))
    worker.work(burst=True, with_scheduler=True, logging_level="CRITICAL")

    assert aside(redis, UPKEEP_QUEUE) == ["later"]
    assert not sprung.exists()


def test_results_are_not_unpickled_when_they_are_asked_for(redis_url: str, sprung: Path) -> None:
    redis = Redis.from_url(redis_url)
    plant(redis, "flush-1", status="finished")
    payload = {"type": "1", "created_at": "2026-01-01T00:00:00.000000Z", "id": "x"}
    redis.xadd("rq:results:flush-1", {**payload, "return_value": b64encode(pickle.dumps(Trap(sprung)))})
    assert (job_status(redis, "flush-1") or {})["error"] == UNREADABLE
    assert not sprung.exists()


def abandoned(redis: Redis, job_id: str, **fields: Any) -> StartedJobRegistry:
    """A job whose worker has vanished."""
    plant(redis, job_id, status="started", **fields)
    queue = Queue(QUEUE_NAME, connection=redis, serializer=JSONSerializer)
    queue.remove(job_id)
    registry = StartedJobRegistry(queue=queue)
    redis.zadd(registry.key, {f"{job_id}:x": 1})
    return registry


def test_a_scrape_of_the_metrics_calls_nobody_and_leaves_abandoned_jobs_alone(
    redis_url: str,
) -> None:
    redis, stranger = Redis.from_url(redis_url), Listener()
    hooks = json.dumps([Webhook(stranger.url, status).to_dict() for status in ("finished", "failed")])
    named = names_function("backend.jobs.retrain.retrain", 1)
    calls = {"webhooks": hooks, "failure_callback_name": "antigravity.fly"}
    registry = abandoned(redis, "retrain-1", data=named, **calls)
    sys.modules.pop("antigravity", None)
    metrics = create_app(Settings(redis_url=redis_url)).test_client().get("/metrics").get_data(as_text=True)
    assert 'atlas_jobs{queue="atlas",state="started"} 1.0' in metrics
    assert registry.get_job_ids(cleanup=False) == ["retrain-1"]

    worker = create_worker(Settings(redis_url=redis_url))
    worker.clean_registries()
    assert registry.get_job_ids(cleanup=False) == []
    assert (job_status(redis, "retrain-1") or {})["error"] == "the worker that ran it has vanished"
    assert ProjectState(redis, 1).aside == "the worker that ran it has vanished"
    assert (stranger.connections, "antigravity" in sys.modules) == (0, False)


def test_everything_of_ours_speaks_json(redis_url: str) -> None:
    settings = Settings(redis_url=redis_url)
    worker: Worker = create_worker(settings)
    dispatch = Dispatcher.from_settings(settings)
    for part in (worker, *worker.queues, dispatch.queue, dispatch.upkeep):
        assert part.serializer is JSONSerializer
