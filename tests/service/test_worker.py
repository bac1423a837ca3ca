"""Real worker processes on a real Redis, with a Label Studio that does as it is told."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from rq.registry import ScheduledJobRegistry

from backend.jobs.dispatch import Dispatcher
from backend.jobs.failed_jobs import FailedJobs
from backend.jobs.giving_way import FIRST_TO_GO, NICENESS
from backend.jobs.heartbeat import last_beat
from backend.jobs.status import job_status
from backend.settings import Settings
from tests.e2e.cluster import Cluster
from tests.e2e.monkey import children, is_job, kill, status
from tests.e2e.proxy import Answer, Call
from tests.e2e.steps import wait_until

unknown = status(404)
GOOD = 1
"""A project that is well; each test has another one that is not."""


class Bench:
    """`answer` is what Label Studio says of the test's project. It knows no other one."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self.project = GOOD
        self.answer: Callable[[Call], Answer | None] = unknown
        self.calls: Counter[int] = Counter()
        names = ("redis_url", "retrain_pause", "retry_after", "set_aside_for")
        settings = Settings.model_validate({name: cluster.env[name.upper()] for name in names})
        self.dispatch = Dispatcher.from_settings(settings)
        cluster.api.meddle = self._meddle

    def _meddle(self, call: Call) -> Answer | None:
        number = int(call.path.split("/")[3])
        self.calls[number] += 1
        return self.answer(call) if number == self.project else unknown(call)

    def told(self, project: int | None = None) -> dict[str, Any]:
        return job_status(self.dispatch.redis, f"retrain-{project or self.project}") or {}

    def ends_as(self, wanted: str, project: int | None = None) -> bool:
        """And nothing that waits for another try has to wait."""
        registry = ScheduledJobRegistry(queue=self.dispatch.queue)
        for job_id in registry.get_job_ids():
            self.dispatch.redis.zadd(registry.key, {job_id: 1}, xx=True)
        return self.told(project).get("status") == wanted

    def hold(self) -> tuple[threading.Event, threading.Event]:
        """Label Studio takes its time. Two events: it was asked, it may answer."""
        asked, released = threading.Event(), threading.Event()

        def held(call: Call) -> Answer | None:
            asked.set()
            released.wait(120)
            return unknown(call)

        self.answer = held
        self.dispatch.request_retrain(self.project)
        assert asked.wait(120)
        return asked, released


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with ExitStack() as stack:
        cluster = Cluster(tmp_path_factory.mktemp("worker"), "http://127.0.0.1:1", "0" * 40, stack)
        stack.callback(cluster.stop_all)
        cluster.start("redis")
        yield Bench(cluster)


@pytest.fixture
def bench(shared: Bench) -> Bench:
    shared.project += 1
    shared.answer = unknown
    shared.cluster.start("worker1")
    return shared


def test_a_project_that_kills_its_process_is_set_aside_and_others_go_on(bench: Bench) -> None:
    def deadly(call: Call) -> Answer | None:
        for child in children(bench.cluster.pid("worker1")):
            if is_job(child):
                kill(child)
        return None

    bench.answer = deadly
    bench.dispatch.request_retrain(bench.project)
    wait_until(lambda: "killed by signal 9" in (bench.told().get("error") or ""))  # while it is tried again
    bench.dispatch.request_retrain(GOOD)
    wait_until(lambda: bench.ends_as("finished", GOOD))
    wait_until(lambda: bench.ends_as("failed"))

    assert bench.calls[bench.project] == 4  # the first try and three more
    assert "killed by signal 9" in bench.told()["error"]
    assert f"project {bench.project} is set aside" in bench.cluster.log("worker1")
    bench.dispatch.redis.persist(f"atlas:project:{bench.project}:aside")
    bench.dispatch.demand_retrain(bench.project)
    assert bench.told()["status"] == "failed"  # still there to be looked at

    bench.answer = unknown
    bench.dispatch.insist_on_retrain(bench.project)
    wait_until(lambda: bench.ends_as("finished"))
    assert bench.dispatch.state(bench.project).aside is None


def test_an_annotation_makes_a_worker_try_again_at_once(bench: Bench) -> None:
    patient = Settings(redis_url=bench.cluster.env["REDIS_URL"], retry_after=3600)
    bench.answer = status(400)
    Dispatcher.from_settings(patient).request_retrain(bench.project)
    wait_until(lambda: bench.told().get("status") == "scheduled")
    failed = FailedJobs(bench.dispatch.redis, bench.project)
    assert failed.failing_since("retrain") is not None
    bench.answer = unknown
    bench.dispatch.changed(bench.project)
    wait_until(lambda: bench.told().get("status") == "finished")
    assert bench.calls[bench.project] == 2
    wait_until(lambda: [each.again is not None for each in failed.last(9)] == [True])
    assert failed.failing_since("retrain") is None
    assert last_beat(bench.dispatch.redis) is not None


def test_a_refused_key_is_told_and_not_hammered_with(bench: Bench) -> None:
    bench.answer = status(401)
    bench.dispatch.request_retrain(bench.project)
    wait_until(lambda: bench.ends_as("failed"))
    assert "LABEL_STUDIO_API_KEY" in bench.told()["error"]
    assert bench.calls[bench.project] == 4
    assert bench.dispatch.state(bench.project).aside is None  # no fault of the project's


def test_a_job_that_takes_too_long_is_stopped_and_told_of(bench: Bench) -> None:
    settings = Settings(redis_url=bench.cluster.env["REDIS_URL"], job_timeout=1)
    bench.dispatch, usual = Dispatcher.from_settings(settings), bench.dispatch
    _, released = bench.hold()
    bench.dispatch = usual
    wait_until(lambda: "maximum timeout value (1 seconds)" in (bench.told().get("error") or ""))
    released.set()
    wait_until(lambda: bench.ends_as("finished"))


def test_where_memory_runs_short_a_job_goes_before_its_worker(bench: Bench) -> None:
    def score(pid: int) -> int:
        return int(Path(f"/proc/{pid}/oom_score_adj").read_text())

    _, released = bench.hold()
    worker = bench.cluster.pid("worker1")
    (job,) = (child for child in children(worker) if is_job(child))
    assert score(job) == FIRST_TO_GO > score(worker)
    assert os.getpriority(os.PRIO_PROCESS, job) == NICENESS + os.getpriority(os.PRIO_PROCESS, worker)
    released.set()
    wait_until(lambda: bench.ends_as("finished"))


def test_term_lets_the_job_finish(bench: Bench) -> None:
    _, released = bench.hold()
    bench.cluster.signal("worker1", signal.SIGTERM)
    wait_until(lambda: bench.dispatch.redis.exists("rq:workers") == 0 or _asked_to_stop(bench))
    assert bench.told()["status"] == "started"
    released.set()
    wait_until(lambda: not bench.cluster.is_alive("worker1"))
    assert bench.told()["status"] == "finished"


def _asked_to_stop(bench: Bench) -> bool:
    redis = bench.dispatch.redis
    return any(redis.hexists(key, "shutdown_requested_date") for key in redis.smembers("rq:workers"))


def test_a_second_term_hands_the_job_back(bench: Bench) -> None:
    _, released = bench.hold()
    bench.cluster.signal("worker1", signal.SIGTERM)
    time.sleep(1.2)  # RQ takes two within a second for one
    bench.cluster.signal("worker1", signal.SIGTERM)
    wait_until(lambda: not bench.cluster.is_alive("worker1"))
    assert bench.told()["status"] == "queued"
    assert bench.dispatch.queue.get_job_ids() == [f"retrain-{bench.project}"]
    released.set()
    bench.cluster.start("worker1")
    wait_until(lambda: bench.ends_as("finished"))


def test_a_killed_workers_job_is_done_again(bench: Bench) -> None:
    """And its process, which nobody watches any more, ends."""
    _, released = bench.hold()
    left = children(bench.cluster.pid("worker1"))
    bench.cluster.kill("worker1")
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))
    released.set()
    bench.cluster.start("worker1")
    wait_until(lambda: bench.ends_as("finished"))
    assert not bench.dispatch.redis.exists(f"atlas:lock:{bench.project}")


def test_an_idle_worker_outlives_a_redis_that_comes_back_empty(bench: Bench) -> None:
    redis = bench.dispatch.redis
    wait_until(lambda: {redis.hget(key, "state") for key in redis.smembers("rq:workers")} == {b"idle"})
    before = bench.cluster.pid("worker1")
    bench.cluster.kill("redis")
    bench.cluster.empty_redis()
    bench.cluster.start("redis")
    bench.dispatch.request_retrain(bench.project)
    wait_until(lambda: bench.ends_as("finished"))
    wait_until(lambda: bench.dispatch.redis.scard("rq:workers") == 1)  # seen again, by `doctor` too
    assert (bench.cluster.pid("worker1"), bench.cluster.is_alive("worker1")) == (before, True)
