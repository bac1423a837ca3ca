"""An installation in parts, connected by `connect`, and what `doctor` finds in it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner, Result
from redis import Redis

from backend.cli import main
from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from backend.running.backend import inherited_environment
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from tests.conftest import RunningBackend
from tests.e2e.steps import LABELS, annotate

Findings = dict[str, dict[str, Any]]
"""By the check's name."""


def atlas(env: dict[str, str], *arguments: str) -> Result:
    return CliRunner(env=env).invoke(main, list(arguments))


class Parts:
    """Redis, web server and worker as processes of their own."""

    def __init__(self, directory: Path, env: dict[str, str]):
        self.directory = directory
        self._all: dict[str, Supervisor] = {"redis": Supervisor()}
        redis_url = start_redis(self._all["redis"], directory / "redis-data", dict(inherited_environment()))
        self.env = {**env, "REDIS_URL": redis_url}
        for name in ("serve", "worker", "cron"):
            self.start(name)

    def start(self, name: str, **changes: str) -> None:
        supervisor = self._all[name] = Supervisor()
        env = {**inherited_environment(), **self.env, **changes}
        url = f"http://127.0.0.1:{self.env['PORT']}/health"
        supervisor.start(
            name,
            [sys.executable, "-m", "backend", name],
            env,
            log=self.directory / f"{name}.log",
            ready={"serve": lambda: answers(url), "worker": self._worker_is_there}.get(name),
        )

    def stop(self, name: str) -> None:
        self._all[name].__exit__()

    def kill(self, name: str) -> None:
        for child in self._all[name].children:
            child.process.send_signal(signal.SIGKILL)
            child.process.wait()

    def stop_all(self) -> None:
        for name in ("cron", "worker", "serve", "redis"):
            self.stop(name)

    def _worker_is_there(self) -> bool:
        with Redis.from_url(self.env["REDIS_URL"]) as redis:
            return any(
                redis.hget(key, "pid") == str(child.process.pid).encode()
                for key in redis.smembers("rq:workers")
                for child in self._all["worker"].children
            )


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


@dataclass
class Installation:
    """`env` is what the backend and the commands are given; it uses a personal access token."""

    parts: Parts
    project: DemoProject
    url: str
    server: LabelStudioServer
    connected: Result

    @property
    def http(self) -> httpx.Client:
        """The administrator of Label Studio."""
        return self.server.admin.http

    @property
    def env(self) -> dict[str, str]:
        return self.parts.env

    def doctor(self, project: int | None = None, **changes: str) -> Findings:
        """What it found by the check's name. The exit code must agree."""
        number = str(self.project.id if project is None else project)
        done = atlas({**self.env, **changes}, "doctor", "--json", "--project", number)
        told = json.loads(done.stdout)
        assert done.exit_code == (0 if told["ok"] else 1)
        return {finding["check"]: finding for finding in told["findings"]}

    def connect(self) -> Result:
        return atlas(self.env, "connect", self.url, "--project", str(self.project.id))

    def patch(self, **changes: object) -> None:
        self.http.patch(f"/api/projects/{self.project.id}/", json=changes).raise_for_status()

    def annotate(self, start: int, end: int) -> None:
        for task, label in list(zip(self.project.task_ids, LABELS, strict=False))[start:end]:
            annotate(self.server, task, label)

    def webhook(self) -> dict[str, Any]:
        (hook,) = self.http.get("/api/webhooks/", params={"project": self.project.id}).json()
        return hook

    def change_webhook(self, **changes: object) -> None:
        hook = self.webhook()
        self.http.patch(f"/api/webhooks/{hook['id']}/", json={**hook, **changes}).raise_for_status()


@contextmanager
def unheard(installed: Installation) -> Iterator[None]:
    """Label Studio tells the backend nothing meanwhile, as when a webhook gets lost."""
    installed.change_webhook(is_active=False)
    yield
    installed.change_webhook(is_active=True)


def wrong(findings: Findings) -> Findings:
    return {name: finding for name, finding in findings.items() if finding["state"] == "wrong"}


def assert_only(findings: Findings, check: str, found: str, remedy: str) -> None:
    assert set(wrong(findings)) == {check}, wrong(findings)
    assert found in findings[check]["found"]
    assert remedy in findings[check]["remedy"]


def unchecked(findings: Findings) -> dict[str, str]:
    return {name: each["found"] for name, each in findings.items() if each["state"] == "not checked"}


def assert_said_by_doctor(backend: RunningBackend, project: int, **notes: str) -> None:
    """By the check's name, what it found that is worth knowing; and nothing is wrong."""
    done = atlas(backend.env, "doctor", "--json", "--project", str(project))
    found = {each["check"]: each for each in json.loads(done.stdout)["findings"]}
    told = {name: each["found"] for name, each in found.items() if each["state"] != "ok"}
    assert all(said in told.get(name, "") for name, said in notes.items()), told
    assert done.exit_code == 0
