"""Spans on a real Label Studio: ordered, guessed and learned again by themselves."""

from __future__ import annotations

from typing import Any

import httpx

from backend.demo.label_studio import LabelStudioServer
from backend.store.model_version import version_number
from tests.conftest import RunningBackend
from tests.e2e.steps import Start, follow_queue, retrained, wait_until
from tests.unit.span_scenes import CONFIG, right, text_of

COUNT = 30


BACKEND = {"RETRAIN_EVERY": "10"}


class Project:
    """Of COUNT texts, connected."""

    def __init__(self, server: LabelStudioServer, backend: RunningBackend, title: str, **settings: object):
        self.http, self._backend = server.admin.http, backend
        body = {"title": title, "label_config": CONFIG, "sampling": "Uncertainty sampling", **settings}
        self.id = int(self._post("/api/projects", body)["id"])
        self._post(f"/api/projects/{self.id}/import", [{"text": text_of(i)} for i in range(COUNT)])
        found = self._get("/api/tasks", project=self.id, page_size=COUNT, fields="all")
        self.texts = {task["id"]: task["data"]["text"] for task in found["tasks"]}
        self._post("/api/ml", {"project": self.id, "url": backend.url, "title": "atlas"})

    def settings(self) -> Any:
        return self._get(f"/api/projects/{self.id}/")

    def change(self, **settings: object) -> None:
        self.http.patch(f"/api/projects/{self.id}/", json=settings).raise_for_status()

    def version_after(self, before: str) -> str:
        wait_until(
            lambda: version_number(self.settings()["model_version"] or "") > version_number(before), 120
        )
        self._backend.supervisor.check()
        return str(self.settings()["model_version"])

    def queue(self) -> list[int]:
        current = self.settings()["model_version"]
        found = self._get("/api/predictions", project=self.id)
        ours = [each for each in found if each["model_version"] == current]
        return [each["task"] for each in sorted(ours, key=lambda each: each["score"])]

    def mark(self, task: int, http: httpx.Client | None = None, result: Any = None) -> None:
        given = right(self.texts[task]) if result is None else result
        answer = (http or self.http).post(f"/api/tasks/{task}/annotations/", json={"result": given})
        answer.raise_for_status()

    def _get(self, path: str, **params: Any) -> Any:
        answer = self.http.get(path, params=params)
        answer.raise_for_status()
        return answer.json()

    def _post(self, path: str, body: Any) -> Any:
        answer = self.http.post(path, json=body)
        answer.raise_for_status()
        return answer.json()


def test_ten_annotations_reorder_the_queue_and_the_next_task_comes_with_its_spans(
    label_studio: LabelStudioServer, backend: RunningBackend
) -> None:
    project = Project(label_studio, backend, "spans")
    first = project.version_after("")
    order = project.queue()
    assert len(order) == COUNT
    for task in order[:10]:
        project.mark(task)
    second = project.version_after(first)
    assert project.queue() != order[10:]
    served = follow_queue(label_studio, project)  # type: ignore[arg-type]
    assert served["predictions"][0]["model_version"] == second
    shown = [
        (each["value"]["labels"], project.texts[task["task"]][each["value"]["start"] : each["value"]["end"]])
        for task in project._get("/api/predictions", project=project.id)
        if task["model_version"] == second
        for each in task["result"]
    ]
    assert (["PER"], "Anna") in shown or (["PER"], "Greta") in shown
    told = trained_on(backend, project, 10)
    assert set(told["labels"]) == {"PER", "LOC"}

    renamed = CONFIG.replace('"PER"', '"PERSON"')
    project.change(label_config=renamed)
    for task in project.queue()[:10]:
        project.mark(task, result=[_renamed(each) for each in right(project.texts[task])])
    project.version_after(second)  # the change itself made one, without what had the old name
    told = trained_on(backend, project, 20)
    assert set(told["labels"]) == {"PERSON", "LOC"}
    assert any('label: "PER"' in note for note in told["notes"])


def trained_on(backend: RunningBackend, project: Project, labels: int) -> dict[str, Any]:
    """What the retrain tells that has learned from so many."""
    found: list[dict[str, Any]] = []

    def is_done() -> bool:
        found.append(retrained(backend, project))  # type: ignore[arg-type]
        return found[-1].get("trained_on") == labels

    wait_until(is_done, 120)
    return found[-1]


def _renamed(region: Any) -> Any:
    labels = ["PERSON" if each == "PER" else each for each in region["value"]["labels"]]
    return {**region, "value": {**region["value"], "labels": labels}}


def test_three_annotators_with_an_overlap_of_two_are_made_one(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    """The third marks no places: of these nothing is learned where they are in dispute."""
    backend = run_backend(RETRAIN_EVERY="1")
    project = Project(label_studio, backend, "spans of three", maximum_annotations=2)
    first = project.version_after("")
    people = [label_studio.sign_up(f"span{i}").http for i in range(3)]
    tasks = project.queue()[:12]
    for i, task in enumerate(tasks):
        for k in (i % 3, (i + 1) % 3):
            marked = right(project.texts[task])
            given = [each for each in marked if k != 2 or each["value"]["labels"] != ["LOC"]]
            project.mark(task, people[k], given)
    project.version_after(first)
    told = trained_on(backend, project, 12)["labels"]
    assert told["PER"] > told["LOC"] > 0
