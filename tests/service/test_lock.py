"""The per-project lock, and jobs that RQ has lost, on a real Redis."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from redis import Redis
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from backend.errors import LostLock, ProjectBusy, Unavailable
from backend.jobs.dispatch import Dispatcher
from backend.jobs.failing import failed
from backend.jobs.lock import ProjectLock
from backend.jobs.lost import SURE, forget_if_lost
from backend.jobs.reconcile import _in_turn
from backend.labelstudio.client import LabelStudioClient
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from tests.e2e.monkey import status
from tests.e2e.proxy import Proxy


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Supervisor() as supervisor:
        yield start_redis(supervisor, tmp_path_factory.mktemp("redis"), dict(os.environ))


@pytest.fixture
def dispatch(server: str) -> Dispatcher:
    made = Dispatcher.from_settings(Settings(redis_url=server))
    made.redis.flushall()
    return made


def test_the_second_owner_is_sent_away_while_the_first_lives(dispatch: Dispatcher) -> None:
    with (
        ProjectLock(dispatch.redis, 7, 1).held() as first,
        ProjectLock(dispatch.redis, 8, 1).held(),  # another project's is another one
    ):
        with pytest.raises(ProjectBusy, match="project 7"), ProjectLock(dispatch.redis, 7, 1).held():
            pass
        first.check()  # renewed meanwhile
    assert dispatch.redis.keys() == []


def test_a_dead_owners_lock_frees_itself(dispatch: Dispatcher) -> None:
    dispatch.redis.set("atlas:lock:7", "nobody's any more", ex=2)
    with ProjectLock(dispatch.redis, 7, 2).held() as lock:
        lock.check()


def test_who_has_lost_the_lock_publishes_nothing(dispatch: Dispatcher) -> None:
    with ProjectLock(dispatch.redis, 7, 60).held() as lock:
        dispatch.redis.set("atlas:lock:7", "another's", ex=60)
        with pytest.raises(LostLock):
            lock.check()
    assert dispatch.redis.get("atlas:lock:7") == b"another's"


def test_a_look_that_dies_at_a_project_goes_on_behind_it(dispatch: Dispatcher) -> None:
    looks = [_in_turn(dispatch.redis, {3, 7, 9}) for _ in range(3)]
    assert [next(looks[0]), next(looks[0])] == [3, 7]  # and dies there
    assert list(looks[1]) == [9, 3, 7]
    assert list(looks[2]) == [9, 3, 7]


def test_what_a_killed_worker_left_of_a_job_is_not_in_the_way(dispatch: Dispatcher) -> None:
    """RQ lists an execution a minute longer than it keeps it, and deletes no job meanwhile."""
    dispatch.request_retrain(7)
    dispatch.queue.empty()
    job = Job.create("f", id="retrain-7", connection=dispatch.redis, serializer=JSONSerializer)
    job.save()
    job.set_status(JobStatus.FAILED)
    dispatch.redis.zadd(job.execution_registry.key, {"of a killed worker": 2**40})
    dispatch.request_retrain(7)
    assert dispatch.queue.get_job_ids() == ["retrain-7"]


def _seen_long_ago(redis: Redis) -> None:
    redis.set("atlas:lost:retrain-7", redis.time()[0] - SURE)


def test_a_job_that_rq_has_lost_makes_room(dispatch: Dispatcher) -> None:
    """As after a kill between the list and the registry: its record says queued, and no list has it."""
    dispatch.request_retrain(7)
    dispatch.redis.lpop(dispatch.queue.key)
    assert not forget_if_lost(dispatch.redis, "retrain-7")  # it may be on its way
    _seen_long_ago(dispatch.redis)
    dispatch.forget_lost_jobs(7)
    dispatch.request_retrain(7)
    assert dispatch.queue.get_job_ids() == ["retrain-7"]


@pytest.mark.parametrize("pause", [0, 60])
def test_a_job_that_waits_is_not_lost(server: str, dispatch: Dispatcher, pause: float) -> None:
    dispatch = Dispatcher.from_settings(Settings(redis_url=server, retrain_pause=pause))
    dispatch.state(7).retrained(0)
    dispatch.request_retrain(7)
    _seen_long_ago(dispatch.redis)
    dispatch.forget_lost_jobs(7)
    assert dispatch.is_retraining(7)
    assert not dispatch.redis.exists("atlas:lost:retrain-7")


def test_clocks_of_web_and_worker_may_differ(dispatch: Dispatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due is told by Redis's clock alone: here the worker's is a day ahead."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86_400)
    dispatch.state(7).retrained(0)
    dispatch.state(7).note_changes(1)
    monkeypatch.undo()
    assert 0 <= dispatch.state(7).seconds_since_retrain() < 600
    assert 0 <= dispatch.state(7).seconds_since_change() < 600


def test_a_redis_emptied_under_a_retrain_counts_anew(dispatch: Dispatcher) -> None:
    state = dispatch.state(7)
    state.note_changes(57)
    seen = state.changes
    dispatch.redis.flushall()
    state.retrained(seen)
    assert state.note_changes(1).unseen == 1
    assert state.unseen == 1


def test_label_studio_is_left_alone_as_long_as_it_asks(dispatch: Dispatcher) -> None:
    dispatch.request_retrain(7)
    job = Job.fetch("retrain-7", connection=dispatch.redis, serializer=JSONSerializer)
    with Proxy("http://127.0.0.1:1") as proxy:
        proxy.meddle = status(429, Retry_After="7")
        client = LabelStudioClient(proxy.url, "0" * 40)
        with client, pytest.raises(Unavailable) as caught:
            client.import_predictions(7, [])
    failed(job, Unavailable, caught.value, None)
    assert job.retry_intervals == [7, 30, 120]
    assert dispatch.state(7).aside is None


def test_a_project_that_keeps_failing_is_left_alone_longer_each_time(dispatch: Dispatcher) -> None:
    state = dispatch.state(7)
    assert [state.set_aside("why", 600) for _ in range(5)] == [600, 3600, 21_600, 86_400, 86_400]
    assert state.aside == "why"
    state.retrained(0)
    assert state.aside is None
    assert state.set_aside("why", 600) == 600
