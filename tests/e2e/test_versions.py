"""`label-studio-atlas versions`: a project stays with a version, and goes back to one."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx

from backend.demo.label_studio import LabelStudioServer
from tests.e2e.steps import (
    Start,
    annotate,
    follow_queue,
    retrained,
    scores,
    tasks_of,
    trained_project,
    wait_until,
)


def test_versions_are_listed_pinned_and_rolled_back(
    label_studio: LabelStudioServer, run_backend: Start, tmp_path: Path
) -> None:
    backend = run_backend(RETRAIN_EVERY="1", QUEUE_HEAD="10", CLEAR_AFTER="1")
    project = trained_project(label_studio, backend, "versions", texts=40)

    def atlas(command: str, *arguments: str) -> str:
        words = [sys.executable, "-m", "backend", command, "--project", str(project.id), *arguments]
        env = {**backend.env, "DATA_DIR": str(backend.data_dir), "REDIS_URL": ""}
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        return done.stdout or done.stderr

    versions = partial(atlas, "versions")
    first, order = project.model_version(), scores(project)
    others = iter(tasks_of(project, "other")[2:])
    annotate(label_studio, next(others), "other")
    second = project.wait_for_version_after(first, backend.supervisor.check)
    annotate(label_studio, next(others), "other")
    third = project.wait_for_version_after(second, backend.supervisor.check)
    wait_until(lambda: not project.predictions(first))  # cleared in Label Studio, kept here

    assert first in versions("rollback", first)
    assert project.model_version() == first
    waiting = {task: place for task, place in scores(project).items() if not project.is_labeled(task)}
    assert follow_queue(label_studio, project)["id"] == min(waiting, key=lambda task: waiting[task])
    assert {task: place for task, place in waiting.items() if task in order}.items() <= order.items()

    annotate(label_studio, next(others), "other")
    wait_until(lambda: retrained(backend, project)["trained_on"] == 7)  # it trains on
    assert project.model_version() == first
    rows = json.loads(versions("--json"))
    assert [row["version"] for row in rows][:3] == [first, second, third]
    assert [row["state"] for row in rows] == ["pinned", "kept", "kept", "kept"]
    assert [row["trained_on"] for row in rows] == [4, 5, 6, 7]
    assert {"accuracy", "macro_f1", "strategy", "settings", "created"} <= set(rows[0])
    assert "pinned" in versions()
    listed = tmp_path / "retrains.csv"
    assert "Wrote 4 retrains" in versions("--csv", str(listed))
    assert len(listed.read_text().splitlines()) == 5
    assert "Of 5 labels the models would give" in atlas("suspects")  # of the other class there are two

    asked = {"project": project.id, "label_config": project.label_config, "model_version": second}
    body = {**asked, "tasks": [{"data": {"text": "x"}}]}
    answer = httpx.post(f"{backend.url}/predict", json=body).json()["results"]
    assert [item["model_version"] for item in answer] == [second]

    assert "has no version atlas-000099" in versions("pin", "atlas-000099")
    newest = rows[-1]["version"]
    assert newest in versions("unpin")
    assert project.model_version() == newest
