"""The fake Label Studio of the unit tests answers as the real one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from backend.demo.label_studio import LabelStudioServer
from backend.errors import LabelStudioError
from backend.labelstudio.client import LabelStudioClient
from tests.e2e.steps import annotate, new_project
from tests.fakes.label_studio import FakeLabelStudio, choice
from tests.fakes.server import served

TEXTS = [f"text {i}" for i in range(8)]


def test_the_fake_answers_as_the_real_label_studio(label_studio: LabelStudioServer) -> None:
    project = new_project(label_studio, "as the fake", TEXTS)
    key = label_studio.admin.login.token

    def label(task: int, name: str | None, **more: Any) -> None:
        annotate(label_studio, task, name, **more)

    real = what_is_seen(LabelStudioClient(label_studio.url, key), project.id, project.task_ids, label)
    with served() as server:
        fake = server.show(FakeLabelStudio())
        made = fake.create(TEXTS, label_config=project.label_config, sampling="Uncertainty sampling")

        def label_there(task: int, name: str | None, **more: Any) -> None:
            fake.annotate(made.id, task, [] if name is None else [choice(name)], **more)

        client = LabelStudioClient(server.url, "a-legacy-token")
        imitated = what_is_seen(client, made.id, list(made.tasks), label_there)
    assert imitated == real


def what_is_seen(
    client: LabelStudioClient, project_id: int, tasks: list[int], label: Callable[..., None]
) -> dict[str, Any]:
    """What the client reads while tasks are labelled and a version is published, in words without ids."""
    place = {task: i for i, task in enumerate(tasks)}
    seen: dict[str, Any] = {"new": _project(client, project_id), "tasks": _tasks(client, project_id, place)}
    since = client.newest_change(project_id)
    label(tasks[0], "disaster")
    label(tasks[1], None, was_cancelled=True)
    label(tasks[2], None)
    seen["labelled"] = _project(client, project_id)
    seen["tasks of the labelled"] = _tasks(client, project_id, place)
    whole = {place[task["id"]]: task["annotations"] for task in client.annotated_tasks(project_id)}
    seen["annotations"] = {
        task: [
            (each["was_cancelled"], [region["value"] for region in each["result"]]) for each in annotations
        ]
        for task, annotations in whole.items()
    }
    seen["changed"] = sorted({place[task["id"]] for task in client.tasks_changed_since(project_id, since)})
    seen["by id"] = sorted(place[task["id"]] for task in client.tasks_by_id(project_id, tasks[:3]))
    seen["imports"] = [_import(client, project_id, each) for each in _imports(tasks)]
    seen["no such version"] = _refusal(lambda: client.publish(project_id, "nothing"))
    client.publish(project_id, "V")
    seen["published"] = client.project(project_id).model_version
    seen["scored"] = {place[task]: free for task, free in client.scored_tasks(project_id, "V").items()}
    client.import_predictions(project_id, [{**item, "model_version": "v2"} for item in _imports(tasks)[0]])
    seen["scored beside v2"] = {place[i]: free for i, free in client.scored_tasks(project_id, "V").items()}
    seen["some"] = len(client.some_predictions(project_id, "V", 1))
    client.delete_version(project_id, "v2")
    seen["sizes"] = client.version_sizes(project_id)
    seen["predictions"] = [place[each.task] for each in client.predictions(project_id, "V")]
    client.delete_version(project_id, "V")
    seen["deleted"] = (client.project(project_id).model_version, client.version_sizes(project_id))
    seen["no such project"] = _refusal(lambda: client.project(999_999))
    client.close()
    return seen


def _project(client: LabelStudioClient, project_id: int) -> dict[str, Any]:
    project = client.project(project_id)
    return {
        "counters": project.counters,
        "tasks": project.task_count,
        "shows": project.shows_predictions,
        "finished": project.is_finished,
        "version": project.model_version,
        "overlap": project.overlap,
        "ids": len(client.task_ids(project_id)),
    }


def _tasks(client: LabelStudioClient, project_id: int, place: dict[int, int]) -> list[tuple[Any, ...]]:
    states = ("data", "is_labeled", "total_annotations", "cancelled_annotations")
    found = client.all_tasks(project_id)
    return sorted((place[task["id"]], str([task[state] for state in states])) for task in found)


def _imports(tasks: list[int]) -> list[list[dict[str, Any]]]:
    def item(task: int, name: str = "other", score: object = 0.5, **more: Any) -> dict[str, Any]:
        return {"task": task, "model_version": "V", "score": score, "result": [choice(name)], **more}

    return [
        [item(tasks[3], score=0.2), item(tasks[4], score=0.1), item(tasks[0], score=0.3)],
        [item(tasks[5], "no such label"), item(tasks[5], score=17), item(tasks[5], result=None)],
        [item(tasks[5], result=[], model_version="W")],
        [item(999_999_999)],
    ]


def _import(client: LabelStudioClient, project_id: int, items: list[dict[str, Any]]) -> int | str:
    try:
        return client.import_predictions(project_id, items)
    except LabelStudioError as error:
        return type(error).__name__


def _refusal(act: Callable[[], object]) -> str:
    with pytest.raises(LabelStudioError) as refused:
        act()
    return type(refused.value).__name__
