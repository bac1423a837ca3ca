"""What no webhook tells of is found by the clock."""

from __future__ import annotations

from typing import Any

from backend.demo.label_studio import LabelStudioServer
from tests.conftest import RunningBackend
from tests.e2e.steps import (
    TEXTS,
    annotate,
    deafen,
    follow_queue,
    retrained,
    scores,
    tasks_of,
    trained_project,
    wait_until,
)

BACKEND = {"RETRAIN_EVERY": "1", "RECONCILE_EVERY": "3", "QUEUE_HEAD": "10"}


def test_lost_webhooks_and_changes_without_one_are_healed(
    label_studio: LabelStudioServer, backend: RunningBackend
) -> None:
    http = label_studio.admin.http
    project = trained_project(label_studio, backend, "deaf", texts=20)
    deafen(label_studio, project)

    def leads_to(**wanted: Any) -> None:
        wait_until(lambda: wanted.items() <= retrained(backend, project).items())

    task = tasks_of(project, "other")[2]
    annotate(label_studio, task, "other")
    leads_to(trained_on=5)

    made = http.get(f"/api/tasks/{task}/").json()["annotations"][0]["id"]
    http.post(f"/api/annotations/{made}/convert-to-draft").raise_for_status()
    leads_to(trained_on=4)

    version = project.model_version()
    http.patch(f"/api/tasks/{task}/", json={"data": {"text": "another text"}}).raise_for_status()
    project.wait_for_version_after(version, backend.supervisor.check)

    region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["other"]}}
    imported = [{"data": {"text": TEXTS[50]}, "annotations": [{"result": [region]}]}]
    http.post(f"/api/projects/{project.id}/import", json=imported).raise_for_status()
    leads_to(trained_on=5, tasks=21)

    http.delete(f"/api/projects/{project.id}/tasks").raise_for_status()
    http.post(f"/api/projects/{project.id}/import", json=[{"data": {"text": text}} for text in TEXTS[:5]])
    leads_to(trained_on=0, tasks=5)
    wait_until(lambda: len(scores(project)) == 5)
    assert follow_queue(label_studio, project)["id"] in scores(project)


def test_a_deleted_project_does_not_keep_others_waiting(
    label_studio: LabelStudioServer, backend: RunningBackend
) -> None:
    gone = trained_project(label_studio, backend, "gone", texts=20)
    label_studio.admin.http.delete(f"/api/projects/{gone.id}/").raise_for_status()
    project = trained_project(label_studio, backend, "stays", texts=20)
    deafen(label_studio, project)
    annotate(label_studio, tasks_of(project, "other")[2], "other")
    wait_until(lambda: retrained(backend, project)["trained_on"] == 5)


def test_a_connection_without_auto_update_keeps_its_version(
    label_studio: LabelStudioServer, backend: RunningBackend
) -> None:
    http = label_studio.admin.http
    project = trained_project(label_studio, backend, "held", texts=20)
    version = project.model_version()
    model = http.get("/api/ml", params={"project": project.id}).json()[0]
    settings = {"url": backend.url, "project": project.id, "auto_update": False}
    http.patch(f"/api/ml/{model['id']}", json=settings).raise_for_status()
    annotate(label_studio, tasks_of(project, "other")[2], "other")
    wait_until(lambda: retrained(backend, project)["trained_on"] == 5)
    assert retrained(backend, project)["published"] is False
    assert project.model_version() == version
    http.patch(f"/api/ml/{model['id']}", json={**settings, "auto_update": True}).raise_for_status()
    annotate(label_studio, tasks_of(project, "other")[3], "other")
    assert project.wait_for_version_after(version, backend.supervisor.check) > version
