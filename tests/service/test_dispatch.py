"""Which jobs come to wait on a real Redis, and what a real RQ worker does with them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis
from rq.job import Job, JobStatus
from rq.registry import ScheduledJobRegistry
from rq.serializers import JSONSerializer

from backend.jobs.contact import Contact
from backend.jobs.cron import create_cron
from backend.jobs.dispatch import Dispatcher
from backend.jobs.kinds import REFILL
from backend.jobs.status import job_status
from backend.jobs.worker import create_worker
from backend.running.backend import inherited_environment
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with Supervisor() as supervisor:
        yield start_redis(supervisor, tmp_path, dict(os.environ))


def dispatcher(redis_url: str, **settings: object) -> Dispatcher:
    return Dispatcher.from_settings(Settings(redis_url=redis_url, **settings))


def job(dispatch: Dispatcher, job_id: str) -> Job:
    return Job.fetch(job_id, connection=dispatch.redis, serializer=JSONSerializer)


def scheduled(dispatch: Dispatcher) -> list[str]:
    queues = (dispatch.queue, dispatch.upkeep)
    return [job_id for queue in queues for job_id in ScheduledJobRegistry(queue=queue).get_job_ids()]


def test_many_events_leave_one_waiting_retrain(redis_url: str) -> None:
    dispatch = dispatcher(redis_url, retrain_every=5)
    for _ in range(4):
        dispatch.changed(7)
    assert dispatch.queue.get_job_ids() == []
    assert scheduled(dispatch) == ["flush-7"]  # the few are not forgotten
    for _ in range(40):
        dispatch.changed(7)
    dispatch.changed(8, count=5)
    assert dispatch.queue.get_job_ids() == ["retrain-7", "retrain-8"]


def test_many_at_once_make_room_where_a_job_has_ended(redis_url: str) -> None:
    dispatch = dispatcher(redis_url, retrain_pause=0)
    with ThreadPoolExecutor(16) as threads:
        for _ in range(20):
            dispatch.request_retrain(7)
            ended = job(dispatch, dispatch.queue.pop_job_id())
            ended.set_status(JobStatus.FINISHED)
            list(threads.map(dispatch.request_retrain, [7] * 16))
            assert dispatch.queue.get_job_ids() == ["retrain-7"]
            dispatch.queue.delete(delete_jobs=True)


def test_who_insists_does_not_wait_for_a_failed_retrain_to_be_tried_again(redis_url: str) -> None:
    dispatch = dispatcher(redis_url, retrain_pause=0)
    dispatch.request_retrain(7)
    failed = job(dispatch, dispatch.queue.pop_job_id())
    failed.meta["reason"] = "Label Studio was away"
    with dispatch.redis.pipeline() as pipeline:  # as the worker does
        failed.retry(dispatch.queue, pipeline)
        pipeline.execute()
    failed.save_meta()
    dispatch.demand_retrain(7)
    assert (dispatch.queue.get_job_ids(), scheduled(dispatch)) == ([], ["retrain-7"])
    dispatch.insist_on_retrain(7)
    assert (dispatch.queue.get_job_ids(), scheduled(dispatch)) == (["retrain-7"], [])
    assert (job_status(dispatch.redis, "retrain-7") or {})["error"] is None


def test_a_webhook_of_an_annotation_is_a_contact(redis_url: str) -> None:
    dispatch = dispatcher(redis_url)
    dispatch.state(7).note_changes(1)
    assert Contact(dispatch.redis, 7).last("webhook") == 0
    before = time.time()
    dispatch.changed(7)
    assert before - 60 < Contact(dispatch.redis, 7).last("webhook") < before + 60


def test_a_retrain_rests_after_the_last_one(redis_url: str) -> None:
    dispatch = dispatcher(redis_url, retrain_pause=60)
    dispatch.state(7).retrained(0)
    dispatch.request_retrain(7)
    dispatch.request_retrain(7)
    assert (dispatch.queue.get_job_ids(), scheduled(dispatch)) == ([], ["retrain-7"])


@pytest.mark.parametrize("status", [JobStatus.FINISHED, JobStatus.FAILED])
def test_a_job_that_ended_makes_room_for_the_next(redis_url: str, status: JobStatus) -> None:
    dispatch = dispatcher(redis_url, retrain_every=5)
    dispatch.changed(7)
    dispatch.request_retrain(7)
    for job_id in ("retrain-7", "flush-7"):
        job(dispatch, job_id).set_status(status)
    dispatch.queue.empty()

    dispatch.changed(7)
    dispatch.request_retrain(7)

    assert dispatch.queue.get_job_ids() == ["retrain-7"]
    assert "flush-7" in scheduled(dispatch)


def test_a_running_retrain_keeps_its_id(redis_url: str) -> None:
    dispatch = dispatcher(redis_url)
    dispatch.request_retrain(7)
    job(dispatch, "retrain-7").set_status(JobStatus.STARTED)
    dispatch.request_retrain(7)
    assert dispatch.queue.get_job_ids() == ["retrain-7"]
    assert job(dispatch, "retrain-7").get_status() == JobStatus.STARTED


def test_a_worker_process_tries_again_later_when_label_studio_is_away(redis_url: str, tmp_path: Path) -> None:
    dispatch = dispatcher(redis_url)
    dispatch.request_retrain(7)
    env = {
        **inherited_environment(),
        "REDIS_URL": redis_url,
        "LABEL_STUDIO_URL": "http://localhost:1",
        "LABEL_STUDIO_API_KEY": "0" * 40,
    }
    with Supervisor() as supervisor:
        log = tmp_path / "worker.log"
        supervisor.start("worker", [sys.executable, "-m", "backend", "worker"], env, log=log)
        deadline = time.monotonic() + 90
        while job(dispatch, "retrain-7").get_status() != JobStatus.SCHEDULED:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
    assert "Check LABEL_STUDIO_URL" in log.read_text()
    told = job_status(dispatch.redis, "retrain-7")
    assert told is not None
    assert told["status"] == "scheduled"  # RQ's own state, and why the last attempt failed
    assert "Check LABEL_STUDIO_URL" in told["error"]


def test_job_status_tells_rqs_states_and_knows_nothing_of_unknown_jobs(redis_url: str) -> None:
    dispatch = dispatcher(redis_url, retrain_pause=60)
    dispatch.request_retrain(7)
    told = job_status(dispatch.redis, "retrain-7")
    assert told is not None
    assert (told["status"], told["error"], told["ended_at"]) == ("queued", None, None)
    assert job_status(dispatch.redis, "retrain-8") is None
    assert job_status(dispatch.redis, "no such:id \n") is None


def test_cron_leaves_one_waiting_reconcile_however_long_the_worker_is_away(redis_url: str) -> None:
    settings = Settings(redis_url=redis_url)
    (cron_job,) = create_cron(settings).get_jobs()
    dispatch = Dispatcher.from_settings(settings)
    for _ in range(3):
        cron_job.enqueue(dispatch.redis)
    assert dispatch.upkeep.get_job_ids() == ["reconcile"]
    assert job(dispatch, "reconcile").func_name == "backend.jobs.reconcile.reconcile"  # read as JSON


def test_a_head_that_runs_low_is_refilled_once(redis_url: str) -> None:
    dispatch = dispatcher(redis_url, retrain_every=100)
    dispatch.state(7).refill_at(3)
    dispatch.changed(7, count=2)
    assert dispatch.upkeep.get_job_ids() == []
    dispatch.changed(7)
    dispatch.changed(7)
    assert dispatch.upkeep.get_job_ids() == ["refill-7"]
    assert dispatch.state(7).owes(REFILL)


def test_nothing_of_the_server_is_left_behind(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        url = start_redis(supervisor, tmp_path, dict(os.environ))
        socket = Path(url.removeprefix("unix://"))
        assert Redis.from_url(url).ping()
    assert not socket.parent.exists()


def test_the_worker_takes_what_the_dispatcher_puts(redis_url: str) -> None:
    settings = Settings(redis_url=redis_url)
    dispatch = Dispatcher.from_settings(settings)
    queues = (dispatch.upkeep, dispatch.queue, dispatch.encoding, dispatch.tuning)
    upkeep, retrains, encoding, tuning = (each.name for each in queues)
    assert create_worker(settings).queue_names() == [upkeep, retrains, encoding, tuning]
    assert create_worker(settings, "retrain").queue_names() == [retrains, encoding, tuning]
    assert create_worker(settings, "upkeep").queue_names() == [upkeep, encoding]


def test_the_clock_takes_no_torch() -> None:
    code = "import sys, backend.jobs.cron; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
