"""Spans on a real Label Studio: ordered, guessed and learned again by themselves."""

from __future__ import annotations

from typing import Any

import httpx

from backend.demo.label_studio import LabelStudioServer
from backend.store.model_version import version_number
from tests.browser import Browser
from tests.conftest import RunningBackend
from tests.e2e.editor import AUTO_ANNOTATION, DRAWN, OPENED, REGIONS, open_task, submit
from tests.e2e.installation import assert_said_by_doctor
from tests.e2e.published import made
from tests.e2e.steps import follow_queue, trained_on, wait_until
from tests.e2e.visiting import Visit, task_of
from tests.unit.span_scenes import CONFIG, right, text_of

COUNT = 30
BACKEND = {"RETRAIN_EVERY": "20"}


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


def test_three_people_mark_spans_while_a_label_is_renamed_and_a_task_is_deleted(
    label_studio: LabelStudioServer, backend: RunningBackend
) -> None:
    """The third marks no places: of these nothing is learned where they are in dispute."""
    project = Project(label_studio, backend, "spans", maximum_annotations=2)
    people = [label_studio.sign_up(f"span{i}").http for i in range(3)]
    first = project.version_after("")
    order = project.queue()
    assert len(order) == COUNT
    for i, task in enumerate(order[:10]):
        for k in (i % 3, (i + 1) % 3):
            marked = right(project.texts[task])
            given = [each for each in marked if k != 2 or each["value"]["labels"] != ["LOC"]]
            project.mark(task, people[k], given)
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
    told = trained_on(backend, project.id, 10)["labels"]
    assert told["PER"] > told["LOC"] > 0

    renamed = CONFIG.replace('"PER"', '"PERSON"')
    project.change(label_config=renamed)
    *tasks, deleted = project.queue()[:11]
    project.http.delete(f"/api/tasks/{deleted}/").raise_for_status()
    others = [task for task in tasks if task != served["id"]]  # that one is held by whoever was served it
    unmarked = next(task for task in others if right(project.texts[task]))
    for task in tasks:
        marked = [_renamed(each) for each in right(project.texts[task])]
        marked = [each for each in marked if task != unmarked or each["value"]["labels"] != ["PERSON"]]
        for who in people[:2]:
            project.mark(task, who, marked)
    project.version_after(second)  # the change itself made one, without what had the old name
    told = trained_on(backend, project.id, 20)
    assert set(told["labels"]) == {"PERSON", "LOC"}
    assert any('label: "PER"' in note for note in told["notes"])
    assert set(project.queue()) == set(order[10:]) - {*tasks, deleted}
    assert project.settings()["total_annotations_number"] == 40
    assert_said_by_doctor(backend, project.id, annotations='label: "PER"')
    judged_on_its_page(Visit(backend, project.id), project, unmarked, people[2])


def judged_on_its_page(page: Visit, project: Project, unmarked: int, third: httpx.Client) -> None:
    """A person whom two annotators overlooked is listed as missing; sent back, their text is served to the
    third before any new one."""

    def listed() -> list[str]:
        return [row for row in page.rows("suspects") if task_of(row) == unmarked]

    wait_until(lambda: bool(listed()))
    (row,) = listed()
    assert "<bdi>nothing there</bdi>" in row
    assert "<bdi>PERSON</bdi>" in row
    assert "Nothing is missing here</button>" in row
    page.press("suspects/send-back", row)
    wait_until(lambda: "Label Studio serves it to somebody else" in page.part("suspects"))
    served = third.get(f"/api/projects/{project.id}/next").raise_for_status().json()
    assert served["id"] == unmarked


def _renamed(region: Any) -> Any:
    labels = ["PERSON" if each == "PER" else each for each in region["value"]["labels"]]
    return {**region, "value": {**region["value"], "labels": labels}}


def test_a_marked_word_is_marked_wherever_else_it_stands_as_the_editor_asks(
    label_studio: LabelStudioServer, backend: RunningBackend, chromium: Browser
) -> None:
    """With "Auto-Annotation" on, by the backend alone: it needs no model for that."""
    http, xml = label_studio.admin.http, CONFIG.replace("<Labels", '<Labels smart="true"')
    text = "Each train meets the other train; trains do not."
    project, (task,) = made(http, "under the hand", xml, [{"text": text}])
    connection = {"project": project, "url": backend.url, "title": "atlas", "is_interactive": True}
    http.post("/api/ml", json=connection).raise_for_status()
    open_task(chromium, label_studio, project, task)
    chromium.wait(OPENED, task)
    chromium.wait(AUTO_ANNOTATION)
    chromium.wait(DRAWN, "train", 1, 1, "label")
    chromium.wait(REGIONS, 2)
    result = submit(chromium, label_studio, task)
    places = [(each["value"]["start"], each["value"]["end"]) for each in result]
    assert sorted(places) == [(5, 10), (27, 32)]
    assert {each["value"]["labels"][0] for each in result} == {"PER"}
