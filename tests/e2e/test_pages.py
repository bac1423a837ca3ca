"""Lists of several pages of a real Label Studio, which change while they are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from backend.controls.config import parse_label_config
from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from backend.jobs.pull import pull
from backend.labelstudio import task_lists
from backend.labelstudio.client import LabelStudioClient
from tests.e2e.proxy import Answer, Call, Proxy
from tests.e2e.steps import LABELS, TEXTS, annotate, new_project

TASKS = 12
PAGE = 5


@pytest.fixture
def proxy(label_studio: LabelStudioServer) -> Iterator[Proxy]:
    with Proxy(label_studio.url) as proxy:
        yield proxy


@pytest.fixture
def client(
    label_studio: LabelStudioServer, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LabelStudioClient]:
    monkeypatch.setattr(task_lists, "PAGE_SIZE", PAGE)
    monkeypatch.setattr(task_lists, "FEW", PAGE)
    key = label_studio.admin.login.token
    client = LabelStudioClient(proxy.url, key)
    yield client
    client.close()


@pytest.fixture
def labelled(label_studio: LabelStudioServer) -> DemoProject:
    project = new_project(label_studio, "pages", TEXTS[:TASKS])
    for task, label in zip(project.task_ids, LABELS, strict=False):
        annotate(label_studio, task, label)
    return project


def deletes_before_page(proxy: Proxy, server: LabelStudioServer, task: int, number: int) -> list[str]:
    """Delete the task's annotation before that page of whole annotated tasks is read. Returns the pages."""
    pages: list[str] = []

    def meddle(call: Call) -> Answer | None:
        asked = parse_qs(urlsplit(call.path).query)
        if asked.get("fields") == ["all"] and "total_annotations" in asked.get("query", [""])[0]:
            pages.append(call.path)
            if len(pages) == number:
                (annotation,) = server.admin.http.get(f"/api/tasks/{task}/").json()["annotations"]
                server.admin.http.delete(f"/api/annotations/{annotation['id']}/").raise_for_status()
        return call.forward()

    proxy.meddle = meddle
    return pages


def test_an_annotation_deleted_between_two_pages_takes_no_other_along(
    label_studio: LabelStudioServer,
    labelled: DemoProject,
    proxy: Proxy,
    client: LabelStudioClient,
    tmp_path: Path,
) -> None:
    first, *others = labelled.task_ids
    pages = deletes_before_page(proxy, label_studio, first, 2)
    project = client.project(labelled.id)
    scheme = parse_label_config(project.label_config)
    read = pull(client, project, scheme, tmp_path)
    assert len(pages) == 3
    assert {task.id for task in read if task.target} >= set(others)
    again = pull(client, client.project(labelled.id), scheme, tmp_path)
    assert [task.id for task in again if task.target] == others


def test_pages_end_where_they_should_and_single_tasks_can_be_asked_for(
    labelled: DemoProject, client: LabelStudioClient
) -> None:
    first, *others = labelled.task_ids
    assert [task["id"] for task in client.all_tasks(labelled.id)] == [first, *others]
    assert client.task_ids(labelled.id) == {first, *others}
    found = list(client.tasks_by_id(labelled.id, [others[3], first, 10**9, *others[4:9]]))
    assert [task["id"] for task in found] == [first, *others[3:9]]
    assert all(task["annotations"] for task in found)
    assert list(client.tasks_by_id(labelled.id, [])) == []
    since = "2020-01-01T00:00:00.000Z"
    changed = [task for task in client.tasks_changed_since(labelled.id, since) if "annotations" in task]
    assert [task["id"] for task in changed] == [first, *others]
