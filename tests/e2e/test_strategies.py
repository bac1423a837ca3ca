"""The live queue runs on every strategy's name, chosen per project in Label Studio."""

from __future__ import annotations

import json

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from backend.sampling import names
from tests.conftest import RunningBackend
from tests.e2e.steps import TEXTS, Start, annotate, follow_queue, new_project, scores, tasks_of

COMPOSED = "60% margin within 50% by representative and 40% random"


def connect(server: LabelStudioServer, project: DemoProject, url: str, strategy: str) -> dict[str, object]:
    body = {"project": project.id, "url": url, "title": "atlas", "extra_params": {"strategy": strategy}}
    answer = server.admin.http.post("/api/ml", json=body)
    return {"status": answer.status_code, **answer.json()}


def choose(
    server: LabelStudioServer, project: DemoProject, url: str, connection: object, strategy: str
) -> None:
    """As the Model page saves it."""
    body = {"project": project.id, "url": url, "extra_params": {"strategy": strategy}}
    server.admin.http.patch(f"/api/ml/{connection}", json=body).raise_for_status()


def ordered_by(backend: RunningBackend, project: DemoProject, version: str) -> object:
    """The strategy of a version that Label Studio orders by."""
    directory = backend.data_dir / "projects" / str(project.id) / "versions"
    return json.loads((directory / version / "manifest.json").read_bytes())["strategy"]


def test_the_queue_follows_every_strategy_a_connection_names(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    # Label Studio may tell of what was saved too early, or not at all: then the next look finds it.
    backend: RunningBackend = run_backend(RECONCILE_EVERY="30")
    project = new_project(label_studio, "strategies", TEXTS[:40])
    for label in ("disaster", "other"):
        for task in tasks_of(project, label)[:4]:
            annotate(label_studio, task, label)

    refused = connect(label_studio, project, backend.url, "nonsense")
    assert refused["status"] == 400
    assert "nonsense" in str(refused)

    connection = connect(label_studio, project, backend.url, "random")["id"]
    version = project.wait_for_version_after("", backend.supervisor.check)
    for strategy in [*(name for name in names() if name != "random"), COMPOSED]:
        choose(label_studio, project, backend.url, connection, strategy)
        while ordered_by(backend, project, version) != strategy:
            version = project.wait_for_version_after(version, backend.supervisor.check)
        published = scores(project, version)
        assert len(set(published.values())) == len(published) == 32
    # Asked once, at the end: Label Studio keeps serving whoever asked the task it reserved for them.
    served = follow_queue(label_studio, project)
    assert published[served["id"]] == min(published.values())
