"""What people do in Label Studio, and what can be seen there afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from backend.demo.data import load
from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from tests.conftest import RunningBackend

DATA = load(None, seed=0)
TEXTS = [text for text, _ in DATA.pool[:300]]
LABELS = [label for _, label in DATA.pool[:300]]
Start = Callable[..., RunningBackend]


def annotate(server: LabelStudioServer, task: int, label: str | None, **more: object) -> None:
    region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}
    body = {"result": [] if label is None else [region], **more}
    server.admin.http.post(f"/api/tasks/{task}/annotations/", json=body).raise_for_status()


def new_project(server: LabelStudioServer, title: str, texts: list[str] = TEXTS) -> DemoProject:
    return DemoProject(server.admin.http, title, DATA.labels, texts)


def trained_project(
    server: LabelStudioServer, backend: RunningBackend, title: str, texts: int = 40
) -> DemoProject:
    """Connected and published by a model that learned from four labels."""
    project = new_project(server, title, TEXTS[:texts])
    for label in ("disaster", "other"):
        for task in tasks_of(project, label)[:2]:
            annotate(server, task, label)
    project.connect(backend.url)
    project.wait_for_version_after("", backend.supervisor.check)
    return project


def tasks_of(project: DemoProject, label: str) -> list[int]:
    """The tasks whose true label this is."""
    return [task for task, true in zip(project.task_ids, LABELS, strict=False) if true == label]


def follow_queue(server: LabelStudioServer, project: DemoProject, http: httpx.Client | None = None) -> Any:
    """The task Label Studio serves next, with the predictions of the current version."""
    answer = (http or server.admin.http).get(f"/api/projects/{project.id}/next")
    answer.raise_for_status()
    return answer.json()


def scores(project: DemoProject, version: str | None = None) -> dict[int, float]:
    """Task to score, of the current version's predictions. Fails when a task has two, or none."""
    found = project.predictions(version or project.model_version())
    told = {item.task: item.score for item in found if item.score is not None}
    assert len(told) == len(found), "a task has two predictions of one version"
    assert len(set(told.values())) == len(told), "two tasks have the same score"
    return told


def retrained(backend: RunningBackend, project: DemoProject) -> dict[str, Any]:
    """What the project's last retrain says it did, once it has ended."""
    return retrain_told(backend, project.id, lambda told: True)


def trained_on(backend: RunningBackend, project: int, labels: int) -> dict[str, Any]:
    """What the retrain tells that has learned from so many."""
    return retrain_told(backend, project, lambda told: told.get("trained_on") == labels)


def retrain_told(
    backend: RunningBackend, project: int, is_it: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """What the project's last retrain says it did, once that is so."""
    answers: list[dict[str, Any]] = []

    def has_ended() -> bool:
        answers.append(httpx.get(f"{backend.url}/job_status?job=retrain-{project}").json())
        return answers[-1].get("status") == "finished" and is_it(answers[-1]["result"])

    wait_until(has_ended, 180)
    told: dict[str, Any] = answers[-1]["result"]
    return told


def deafen(server: LabelStudioServer, project: DemoProject) -> None:
    """Remove the project's webhooks, so that the backend hears of nothing."""
    for hook in server.admin.http.get("/api/webhooks/", params={"project": project.id}).json():
        server.admin.http.delete(f"/api/webhooks/{hook['id']}/").raise_for_status()


def wait_until(holds: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.3)


def results(backend: RunningBackend) -> list[str]:
    """One log line per finished retrain."""
    return [line for line in backend.log().splitlines() if "Trained on" in line]


def lowest(project: DemoProject) -> int:
    """The unlabelled task that Label Studio itself scores lowest in the project's current version."""
    predictions = project.predictions(project.model_version())
    return next(item.task for item in predictions if not project.is_labeled(item.task))
