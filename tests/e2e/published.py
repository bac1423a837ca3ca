"""Answers that a test publishes on a real Label Studio as the predictions of a version."""

from __future__ import annotations

from typing import Any, TypeVar

import httpx

from backend.controls.joined import source_of
from backend.controls.regions import RegionControl
from backend.controls.tags import read_tags
from backend.demo.label_studio import LabelStudioServer
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.publishing import import_head, prediction

VERSION = "atlas-000001"
Marks = TypeVar("Marks", bound=RegionControl)


def control_of(kind: type[Marks], xml: str) -> Marks:
    """The control of this kind in a config whose object has the name t."""
    tags = read_tags(xml)
    tag = next(each for each in tags.controls if kind.takes(each))
    found = kind.parse(tag, source_of(tag, [tags.objects["t"]], kind.sources))
    assert isinstance(found, kind)
    return found


def made(http: httpx.Client, title: str, xml: str, rows: list[Any]) -> tuple[int, list[int]]:
    """A project, and its tasks in the order of the rows."""
    answer = http.post("/api/projects/", json={"title": title, "label_config": xml})
    answer.raise_for_status()
    project = int(answer.json()["id"])
    http.post(f"/api/projects/{project}/import", json=rows).raise_for_status()
    listed = http.get("/api/tasks", params={"project": project, "page_size": 100}).json()["tasks"]
    return project, sorted(each["id"] for each in listed)


def publish(client: LabelStudioClient, project: int, results: dict[int, list[Any]]) -> None:
    """results: by task, in the order in which they are to be served. Raises where Label Studio did not keep
    them all."""
    sent = [
        {"task": task, **prediction(VERSION, (place + 0.5) / len(results), result)}
        for place, (task, result) in enumerate(results.items())
    ]
    import_head(client, client.project(project), VERSION, sent)


def publish_answers(
    server: LabelStudioServer,
    project: int,
    control: RegionControl,
    answers: dict[int, str],
    content: str = "",
) -> None:
    """Answers by task, shown to whoever opens one."""
    results = {
        task: control.regions_of(answer, [0.5] * len(control.labels_in(answer)), content)
        for task, answer in answers.items()
    }
    client = LabelStudioClient(server.url, server.admin.login.token)
    publish(client, project, results)
    client.close()
    shown = {"model_version": VERSION}
    server.admin.http.patch(f"/api/projects/{project}/", json=shown).raise_for_status()


def annotation_of(http: httpx.Client, task: int) -> list[dict[str, Any]]:
    """The result of a task's only annotation."""
    (annotation,) = http.get(f"/api/tasks/{task}/annotations/").json()
    result: list[dict[str, Any]] = annotation["result"]
    return result


def submitted(http: httpx.Client, task: int, result: list[Any]) -> list[dict[str, Any]]:
    """What is kept of a task's only annotation, which says this."""
    body = {"result": result, "lead_time": 1}
    http.post(f"/api/tasks/{task}/annotations/", json=body).raise_for_status()
    return annotation_of(http, task)
