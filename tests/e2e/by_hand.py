"""A real Label Studio, Redis and web server, but no worker: a test does the jobs itself, one by one, and so
decides what happens before, between and in the middle of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

import httpx
import pytest

from backend.demo.label_studio import LabelStudioServer, free_port
from backend.demo.project import DemoProject
from backend.jobs.dispatch import Dispatcher
from backend.jobs.state import ProjectState
from backend.labelstudio.client import LabelStudioClient
from backend.running.backend import inherited_environment
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.store.locations import version_store
from backend.store.versions import VersionStore
from tests.e2e.installation import answers
from tests.e2e.steps import TEXTS, annotate, new_project, tasks_of

HEAD = 10
"""Tasks that are published."""


@dataclass
class ByHand:
    """`url`: of the web server, which takes Label Studio's webhooks."""

    server: LabelStudioServer
    url: str
    monkeypatch: pytest.MonkeyPatch

    @property
    def http(self) -> httpx.Client:
        return self.server.admin.http

    @property
    def dispatcher(self) -> Dispatcher:
        return Dispatcher.from_settings(Settings())

    def state(self, project: DemoProject) -> ProjectState:
        return self.dispatcher.state(project.id)

    def versions(self, project: DemoProject) -> VersionStore:
        return version_store(Settings(), project.id)

    def waiting(self) -> set[str]:
        """Ids of the jobs that a worker would do now."""
        return {*self.dispatcher.queue.get_job_ids(), *self.dispatcher.upkeep.get_job_ids()}

    def retrains(self) -> set[str]:
        return {job for job in self.waiting() if job.startswith("retrain")}

    def drop_jobs(self) -> None:
        for queue in (self.dispatcher.queue, self.dispatcher.upkeep):
            queue.empty()

    def connected(self, title: str, texts: int = 40, **settings: object) -> DemoProject:
        """A project with four labels; no version yet."""
        project = new_project(self.server, title, TEXTS[:texts])
        if settings:
            self.patch(project, **settings)
        for label in ("disaster", "other"):
            for task in tasks_of(project, label)[:2]:
                annotate(self.server, task, label)
        project.connect(self.url)
        self.drop_jobs()
        return project

    def patch(self, project: DemoProject, **changes: object) -> None:
        self.http.patch(f"/api/projects/{project.id}/", json=changes).raise_for_status()

    def project(self, project: DemoProject) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/api/projects/{project.id}/").json()
        return found

    @contextmanager
    def meanwhile(self, method: str, act: Callable[[], object]) -> Iterator[None]:
        """`act` happens once, when a job is about to make this call to Label Studio."""
        original = getattr(LabelStudioClient, method)
        todo = [act]

        def call(*arguments: Any, **named: Any) -> Any:
            if todo:
                todo.pop()()
            return original(*arguments, **named)

        with self.monkeypatch.context() as patch:
            patch.setattr(LabelStudioClient, method, call)
            yield


@contextmanager
def web_server(server: LabelStudioServer, folder: Path, **env: str) -> Iterator[dict[str, str]]:
    """Redis and a web server, and the environment they run in."""
    port = free_port(0)
    token = server.admin.login.token
    given = {
        "LABEL_STUDIO_URL": server.url,
        "LABEL_STUDIO_API_KEY": token,
        "DATA_DIR": str(folder / "data"),
        "PORT": str(port),
        "RETRAIN_PAUSE": "0",
        **env,
    }
    with Supervisor() as supervisor:
        given["REDIS_URL"] = start_redis(supervisor, folder, dict(os.environ))
        supervisor.start(
            "web server",
            [sys.executable, "-m", "backend", "serve"],
            {**inherited_environment(), **given},
            log=folder / "web.log",
            ready=lambda: answers(f"http://127.0.0.1:{port}/health"),
        )
        yield given


def by_hand(server: LabelStudioServer, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> ByHand:
    """Jobs done by the test itself have this environment; of projects before, nothing is known any more."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    Dispatcher.from_settings(Settings()).redis.flushdb()
    rmtree(Settings().data_dir / "projects", ignore_errors=True)
    return ByHand(server, f"http://localhost:{env['PORT']}", monkeypatch)
