"""A release of before, at work beside a fake Label Studio: its web server, its workers, its commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from backend.demo.label_studio import free_port
from tests.e2e.steps import wait_until
from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json

REPOSITORY = Path(__file__).parents[2]
SETTINGS = {
    "LABEL_STUDIO_API_KEY": "a-legacy-token",
    "RETRAIN_PAUSE": "0",
    "RETRAIN_EVERY": "5",
    "RETRY_AFTER": "3600",
    "CLEAR_AFTER": "3600",
    "QUEUE_HEAD": "12",
    "KEEP_VERSIONS": "3",
    "FOLDS": "3",
    "OMP_NUM_THREADS": "1",
}
WORK = """
import sys
from backend.jobs.worker import create_worker
from backend.settings import Settings
for line in sys.stdin:
    create_worker(Settings()).work(burst=True, with_scheduler=True, logging_level="CRITICAL")
    print("done", flush=True)
"""


def unpack(commit: str, folder: Path) -> Path:
    """The whole tree of that commit, out of this clone's history."""
    folder.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=REPOSITORY, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return folder


class Release:
    """The code in `source` with these settings; `set` changes them for what is started from then on."""

    def __init__(self, source: Path, **env: str):
        self._source = source
        self.port = free_port(0)
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {**os.environ, **SETTINGS, "PORT": str(self.port), "PYTHONPATH": str(source), **env}

    def set(self, **env: str) -> None:
        self.env |= env

    def run(self, *arguments: str) -> str:
        """A command of the release's."""
        return self._python("-m", "backend", *arguments)

    @contextmanager
    def worker(self) -> Iterator[Callable[[], None]]:
        """Each call does what is due, until nothing is left."""
        with subprocess.Popen(
            [sys.executable, "-c", WORK],
            cwd=self._source,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None

            def work() -> None:
                print("go", file=process.stdin, flush=True)
                assert process.stdout.readline() == "done\n"  # type: ignore[union-attr]

            yield work
            process.stdin.close()

    def script(self, code: str, *arguments: str) -> None:
        """Python that has the release's modules."""
        self._python("-c", code, *arguments)

    def _python(self, *arguments: str) -> str:
        # In its own folder, which goes before everything that is installed.
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self._source, env=self.env, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def web(self) -> Iterator[None]:
        with subprocess.Popen(
            [sys.executable, "-m", "backend", "serve"], cwd=self._source, env=self.env
        ) as process:
            try:
                wait_until(self._answers)
                yield
            finally:
                process.terminate()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health").status_code == 200
        except httpx.HTTPError:
            return False

    def post(self, path: str, body: Json, **headers: str) -> Any:
        answer = httpx.post(f"{self.url}{path}", json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json()


def listen(fake: FakeLabelStudio, release: Release) -> None:
    """Label Studio's calls: /setup whenever connections are listed, and webhooks."""

    def reach(project: FakeProject, connection: Json) -> str:
        body = {"project": f"{project.id}.0", "schema": project.settings["label_config"]}
        release.post("/setup", {**body, "extra_params": connection.get("extra_params")})
        return "CO"

    def deliver(webhook: Json, payload: Json) -> None:
        path = webhook["url"].removeprefix(release.url)
        release.post(path, payload, **webhook["headers"])

    fake.reach, fake.deliver = reach, deliver
