"""The backend as `up` runs it, beside a fake Label Studio with projects whose labels are known."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from backend.demo.data import load
from backend.demo.label_studio import free_port
from backend.running.backend import inherited_environment, start_backend
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.store.paths import project_dir
from backend.store.versions import VersionStore

API_KEY = "a-legacy-token-for-the-load-benchmarks"
LABELS = ["disaster", "other"]


@dataclass
class Project:
    """`given`: the label of each annotated task, as Label Studio has it now."""

    id: int
    tasks: list[int]
    given: dict[int, str] = field(default_factory=dict)


@dataclass
class Stage:
    """`url`: the backend's; `env`: what its processes were given."""

    url: str
    env: dict[str, str]
    supervisor: Supervisor
    data_dir: Path
    fake: httpx.Client
    headers: dict[str, str] = field(default_factory=dict)
    """What requests to the backend carry."""
    projects: dict[int, Project] = field(default_factory=dict)

    def create(self, project_id: int, n_tasks: int) -> Project:
        pool = load(None, 0).pool
        texts = [f"{pool[i % len(pool)][0]} ({project_id}-{i})" for i in range(n_tasks)]
        return self.create_of(project_id, texts)

    def create_of(self, project_id: int, texts: list[str]) -> Project:
        answer = self.fake.post(f"/fake/projects/{project_id}", json=texts)
        self.projects[project_id] = Project(project_id, answer.raise_for_status().json())
        return self.projects[project_id]

    def annotate(self, project: Project, task: int, label: str) -> dict[str, Any]:
        """In Label Studio; returns the webhook that it would send."""
        answer = self.fake.post(f"/fake/projects/{project.id}/tasks/{task}", json=label)
        project.given[task] = label
        webhook: dict[str, Any] = answer.raise_for_status().json()
        return webhook

    def annotate_some(self, project: Project, rng: random.Random) -> dict[str, Any]:
        """A random task, which may have been annotated before: then it is a correction."""
        return self.annotate(project, rng.choice(project.tasks), rng.choice(LABELS))

    def send(self, webhook: dict[str, Any]) -> None:
        httpx.post(f"{self.url}/webhook", json=webhook, headers=self.headers, timeout=60).raise_for_status()

    def stats(self, project: Project) -> dict[str, Any]:
        """What the newest version of a project says of itself; {} before the first."""
        store = VersionStore(project_dir(self.data_dir, project.id))
        names = store.names()
        return store.stats(names[-1]) if names else {}

    def trained_on_all(self, project: Project) -> bool:
        """Whether the newest version learned every label, as it is now."""
        return self.stats(project).get("labels") == dict(Counter(project.given.values()))

    def wait_until_trained(self, seconds: float) -> list[Project]:
        """The projects whose newest version does not have all labels after so long."""
        deadline = time.monotonic() + seconds
        late = list(self.projects.values())
        while late and time.monotonic() < deadline:
            self.supervisor.check()
            time.sleep(0.5)
            late = [project for project in late if not self.trained_on_all(project)]
        return late

    def pids(self) -> dict[str, int]:
        return {child.name: child.process.pid for child in self.supervisor.children}


@contextmanager
def stage(folder: Path, **env: str) -> Iterator[Stage]:
    """env: settings of the backend, by their variables' names."""
    port = free_port(0)
    fake = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
    with Supervisor() as supervisor, fake:
        this = inherited_environment()
        command = [sys.executable, "-m", "tests.fakes", str(port)]
        supervisor.start("Label Studio", command, this, log=folder / "fake.log", ready=lambda: _answers(fake))
        settings = Settings(data_dir=folder / "data", port=free_port(0))
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        given = {
            "LABEL_STUDIO_URL": str(fake.base_url),
            "LABEL_STUDIO_API_KEY": API_KEY,
            "REDIS_URL": "",
            **env,
        }
        used = start_backend(supervisor, settings, {**this, **given}, logs=folder)
        url = f"http://127.0.0.1:{settings.port}"
        authorization = Settings(**{key.lower(): value for key, value in env.items()}).basic_authorization
        headers = {"Authorization": authorization} if authorization else {}
        yield Stage(url, used, supervisor, settings.data_dir, fake, headers)


def _answers(fake: httpx.Client) -> bool:
    try:
        return fake.get("/health").status_code == 200
    except httpx.HTTPError:
        return False
