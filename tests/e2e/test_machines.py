"""Two machines that share nothing but Redis and a bucket: what one trains, the other serves."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import httpx
import pytest

from backend.demo.label_studio import LabelStudioServer, free_port
from backend.demo.project import DemoProject
from backend.running.backend import inherited_environment
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from tests.e2e.installation import answers
from tests.e2e.steps import TEXTS, annotate, new_project, tasks_of, wait_until
from tests.s3 import BUCKET, s3_server


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """With an empty bucket; yields what its users set."""
    with s3_server(tmp_path) as env:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        fsspec.filesystem("s3").mkdir("bucket")
        yield env


class Machine:
    """Some parts of the backend, with a disk of their own."""

    def __init__(self, directory: Path, env: dict[str, str]):
        self.port = free_port(0)
        self.url = f"http://127.0.0.1:{self.port}"
        self.disk = directory
        self.disk.mkdir()
        self._env = {**inherited_environment(), **env, "DATA_DIR": str(directory), "PORT": str(self.port)}

    def run(self, supervisor: Supervisor, *parts: str) -> None:
        for part in parts:
            command = [sys.executable, "-m", "backend", *part.split()]
            ready = (lambda: answers(f"{self.url}/health")) if part == "serve" else None
            log = self.disk / f"{part.split()[0]}.log"
            supervisor.start(part, command, self._env, log=log, ready=ready)

    def predicted_by(self, project: DemoProject) -> list[str]:
        """The model version of an answer for a new task, shown with a label."""
        body = {
            "project": f"{project.id}.1",
            "label_config": project.label_config,
            "tasks": [{"id": 10**9, "data": {"text": TEXTS[99]}}],
        }
        told = httpx.post(f"{self.url}/predict", json=body, timeout=100).json()["results"]
        return [item["model_version"] for item in told if item["result"]]


def test_what_one_machine_trains_another_serves(
    label_studio: LabelStudioServer, access_token: str, s3: dict[str, str], tmp_path: Path
) -> None:
    with Supervisor() as shared, Supervisor() as first, Supervisor() as second:
        env = {
            **s3,
            "REDIS_URL": start_redis(shared, tmp_path, inherited_environment()),
            "MODEL_STORE": BUCKET,
            "LABEL_STUDIO_URL": label_studio.url,
            "LABEL_STUDIO_API_KEY": access_token,
            "RETRAIN_EVERY": "1",
            "RETRAIN_PAUSE": "0",
            "LOG_FORMAT": "json",
        }
        one, two = Machine(tmp_path / "one", env), Machine(tmp_path / "two", env)
        project = new_project(label_studio, "machines", TEXTS[:40])
        for label in ("disaster", "other"):
            for task in tasks_of(project, label)[:2]:
                annotate(label_studio, task, label)
        one.run(first, "serve")
        two.run(second, "worker", "serve")
        project.connect(one.url)
        version = project.wait_for_version_after("", second.check)
        wait_until(lambda: one.predicted_by(project) == [version])  # a model that machine never trained

        second.__exit__()  # that machine is gone, and its disk with it
        one.run(first, "worker")
        annotate(label_studio, tasks_of(project, "other")[2], "other")
        newer = project.wait_for_version_after(version, first.check)
        wait_until(lambda: one.predicted_by(project) == [newer])
        log = one.disk / "worker.log"
        wait_until(lambda: "Trained on 5 labels" in log.read_text())  # pulled afresh, all of it
        files = fsspec.filesystem("s3").find(f"{BUCKET}/projects/{project.id}/features")
        encoders = [file for file in files if file.endswith(".encoder.safetensors")]
        assert len(encoders) == 1  # the one the other machine had fitted

        metrics = httpx.get(f"{one.url}/metrics").text
        count = f'{{outcome="published",project="{project.id}"}} 2.0'
        assert f"atlas_retrains_total{count}" in metrics  # one by each machine
        assert f'atlas_labels{{project="{project.id}"}} 5.0' in metrics
        assert f'atlas_retrain_stage_seconds_count{{project="{project.id}",stage="train"}} 2.0' in metrics
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        told = {(line.get("project"), line.get("job")) for line in lines if "jobs.retrain" in line["logger"]}
        assert told == {(project.id, f"retrain-{project.id}")}

        three = Machine(tmp_path / "three", env)
        three.run(first, "serve")  # a new one, with an empty disk
        wait_until(lambda: three.predicted_by(project) == [newer])
        assert not set(one.disk.rglob("*")) & set(three.disk.rglob("*"))
