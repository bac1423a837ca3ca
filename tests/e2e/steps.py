"""What people do in Label Studio, and what can be seen there afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable

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


def wait_until(holds: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.3)


def results(backend: RunningBackend) -> list[str]:
    """One log line per finished retrain."""
    return [line for line in backend.log().splitlines() if "'trained_on'" in line]


def lowest(project: DemoProject) -> int:
    """The unlabelled task that Label Studio itself scores lowest in the project's current version."""
    predictions = project.predictions(project.model_version())
    return next(item.task for item in predictions if not project.is_labeled(item.task))
