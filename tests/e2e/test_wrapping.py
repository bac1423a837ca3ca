"""A real Label Studio's ML backend is wrapped by one command, and given back by another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from tests.conftest import RunningBackend
from tests.e2e.installation import atlas
from tests.e2e.steps import TEXTS, Start, annotate, follow_queue, new_project, wait_until
from tests.fakes.wrapped import FakeBackend, served


@pytest.fixture
def theirs() -> Iterator[FakeBackend]:
    with served() as backend:
        backend.answers["/predict"] = lambda body: {"results": [said(task) for task in body["tasks"]]}
        yield backend


def said(task: dict[str, Any]) -> dict[str, Any]:
    value = {"choices": ["disaster" if "fire" in task["data"]["text"] else "other"]}
    region = {"from_name": "label", "to_name": "text", "type": "choices", "value": value}
    return {"result": [region], "score": 0.4, "model_version": "theirs-1"}


def found_by_doctor(backend: RunningBackend, project: DemoProject) -> dict[str, str]:
    told = json.loads(atlas(backend.env, "doctor", "--json", "--project", str(project.id)).stdout)
    return next(each for each in told["findings"] if each["check"] == "wrapped backend")


def listed(server: LabelStudioServer, project: DemoProject, what: str) -> list[str]:
    answer = server.admin.http.get(f"/api/{what}/", params={"project": project.id})
    return [each["url"] for each in answer.json()]


def test_a_backend_is_wrapped_stays_out_of_sight_when_it_is_broken_and_is_given_back(
    label_studio: LabelStudioServer, run_backend: Start, theirs: FakeBackend
) -> None:
    http = label_studio.admin.http
    project = new_project(label_studio, "wrapped", TEXTS[:40])
    made = http.post("/api/ml", json={"url": theirs.url, "project": project.id, "title": "theirs"})
    made.raise_for_status()
    first = project.task_ids[0]
    assert http.get(f"/api/tasks/{first}/").json()["predictions"][0]["model_version"] == "theirs-1"

    backend = run_backend(WRAPPED_BACKENDS=theirs.url.removeprefix("http://"), QUEUE_HEAD="10")
    connect = ("connect", backend.url, "--project", str(project.id), "--wraps")
    told = atlas(backend.env, *connect, theirs.url, "--yes")
    assert told.exit_code == 0, told.output
    output = " ".join(told.output.split())
    assert f'the connection "theirs" to {theirs.url} and the webhook to {theirs.url}/webhook went' in output
    assert "1 of its predictions are taken over" in output
    assert listed(label_studio, project, "ml") == [backend.url]
    assert listed(label_studio, project, "webhooks") == [f"{backend.url}/webhook?project={project.id}"]
    wait_until(lambda: "40 of 40 waiting tasks" in found_by_doctor(backend, project)["found"])

    def is_shown() -> bool:
        served = follow_queue(label_studio, project)["predictions"]
        return any(each["model_version"] == project.model_version() and each["result"] for each in served)

    wait_until(is_shown)

    theirs.answers["/predict"] = theirs.answers["/health"] = lambda body: (200, b"<html>502</html>")
    before = project.model_version()
    for task in project.task_ids[:5]:
        annotate(label_studio, task, "other")
    project.wait_for_version_after(before, backend.supervisor.check)
    assert is_shown()
    finding = found_by_doctor(backend, project)
    assert (finding["state"], "at fault, not this backend" in finding["found"]) == ("wrong", True)

    told = atlas(backend.env, *connect, "")
    assert 'the connection "theirs" to' not in told.output  # Label Studio refuses one that does not answer
    leave = ("disconnect", "--project", str(project.id))
    told = atlas(backend.env, *leave)
    assert (told.exit_code, "run `disconnect` again" in " ".join(told.output.split())) == (1, True), (
        told.output
    )
    del theirs.answers["/health"]
    told = atlas(backend.env, *leave)
    assert told.exit_code == 0, told.output
    assert listed(label_studio, project, "ml") == [theirs.url]
    assert listed(label_studio, project, "webhooks") == [f"{theirs.url}/webhook"]
