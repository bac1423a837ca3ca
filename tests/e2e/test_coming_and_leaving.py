"""`connect --tabs`, `second-opinions --ask` and `disconnect`, as typed commands, on a real Label Studio: a
team that had another model gets tabs and second opinions, by the page, too, and then its project back as it
was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from backend.jobs.project_tabs import AUDITED, DISPUTED, MOST, SUSPICIOUS, TITLES, UNCERTAIN
from backend.store.reason import AUDIT
from tests.conftest import RunningBackend
from tests.e2e.installation import atlas
from tests.e2e.published import annotation_of
from tests.e2e.steps import LABELS, TEXTS, annotate, follow_queue, new_project, tasks_of, wait_until
from tests.e2e.visiting import Visit, task_of
from tests.fakes.wrapped import served

TASKS, ROUND = 150, 12
BACKEND = {"RETRAIN_EVERY": str(ROUND), "AUDIT_SHARE": "0.3"}
THEIRS = "theirs-1"
"""The version of the model that the team had before."""


@dataclass
class Team:
    server: LabelStudioServer
    backend: RunningBackend
    project: DemoProject

    def typed(self, command: str, *arguments: str, **changes: str) -> tuple[int, str]:
        """Exit code, and what was printed, as one line."""
        env = {**self.backend.env, **changes}
        done = atlas(env, command, *arguments, "--project", str(self.project.id))
        return done.exit_code, " ".join(done.output.split())

    def get(self, path: str, **params: Any) -> Any:
        return self.server.admin.http.get(path, params=params).raise_for_status().json()

    def listed(self, what: str) -> Any:
        return self.get(f"/api/{what}/", project=self.project.id)

    def tabs(self) -> dict[str, set[int]]:
        """By title, the tasks that Label Studio shows in it."""
        shown = {}
        for tab in self.listed("dm/views"):
            tasks = self.get("/api/tasks", view=tab["id"], page_size=TASKS)["tasks"]
            shown[tab["data"]["title"]] = {task["id"] for task in tasks}
        return shown

    def as_it_is(self) -> dict[str, Any]:
        """What `disconnect` restores, by name."""
        told = self.get(f"/api/projects/{self.project.id}/")
        names = ("sampling", "model_version", "show_collab_predictions", "show_overlap_first")
        tasks = self.get("/api/tasks", project=self.project.id, page_size=TASKS)["tasks"]
        return {
            **{name: told[name] for name in names},
            "overlap": {task["id"]: task["overlap"] for task in tasks},
            "connections": [(each["url"], each["title"]) for each in self.listed("ml")],
            "webhooks": [each["url"] for each in self.listed("webhooks")],
            "tabs": [each["data"]["title"] for each in self.listed("dm/views")],
        }

    def annotations(self) -> dict[int, Any]:
        """By id, what is said and by whom."""
        tasks = self.get(f"/api/projects/{self.project.id}/export", exportType="JSON")
        found = [each for task in tasks for each in task["annotations"]]
        return {each["id"]: (each["task"], each["result"], each["completed_by"]) for each in found}

    def versions(self) -> dict[str, int]:
        """How many predictions Label Studio holds of each."""
        sizes = self.get(f"/api/projects/{self.project.id}/model-versions")
        return {name: size for name, size in sizes.items() if size}

    def why(self) -> dict[int, dict[str, Any]]:
        """Of each task that waits, why it stands where it does, as the backend says where it is asked."""
        text = dict(zip(self.project.task_ids, TEXTS, strict=False))
        tasks = [item.task for item in self.project.predictions(self.project.model_version())]
        rows = [{"id": task, "data": {"text": text[task]}} for task in tasks]
        body = {"project": str(self.project.id), "label_config": self.project.label_config, "tasks": rows}
        told = httpx.post(f"{self.backend.url}/predict", json=body).json()["results"]
        return {task: each["why"] for task, each in zip(tasks, told, strict=True)}


@pytest.fixture(scope="module")
def team(label_studio: LabelStudioServer, backend: RunningBackend) -> Iterator[Team]:
    """Of a project with a model of its own, which nobody was to see, and an order of its own."""
    http = label_studio.admin.http
    project = new_project(label_studio, "coming and leaving", TEXTS[:TASKS])
    with served() as theirs:
        made = {"url": theirs.url, "project": project.id, "title": "theirs"}
        http.post("/api/ml", json=made).raise_for_status()
        sent = [{"task": project.task_ids[0], "result": [], "score": 0.5, "model_version": THEIRS}]
        http.post(f"/api/projects/{project.id}/import/predictions", json=sent).raise_for_status()
        hidden = {"sampling": "Uniform sampling", "show_collab_predictions": False}
        for changes in (hidden, {"model_version": THEIRS}):
            http.patch(f"/api/projects/{project.id}/", json=changes).raise_for_status()
        tab = {"project": project.id, "data": {"title": "our own"}}
        http.post("/api/dm/views/", json=tab).raise_for_status()
        yield Team(label_studio, backend, project)


def test_tabs_second_opinions_and_leaving(team: Team, tmp_path: Path) -> None:
    project, second = team.project, team.server.sign_up("second").http
    disaster, (wrong, disputed, *other) = tasks_of(project, "disaster"), tasks_of(project, "other")
    for task in [wrong, *disaster[:8]]:
        annotate(team.server, task, "disaster")
    for task in [disputed, *other[:8]]:
        annotate(team.server, task, "other")
    before = team.as_it_is()

    code, told = team.typed("connect", team.backend.url, "--tabs")
    assert (code, UNCERTAIN in told) == (0, True), told
    why, first = team.why(), project.model_version()
    wait_until(lambda: team.tabs().get(UNCERTAIN) == most_doubted(why))
    wait_until(lambda: set(TITLES) <= set(team.tabs()))
    assert not team.tabs()[DISPUTED] | team.tabs()[AUDITED]

    said = annotation_of(team.server.admin.http, disaster[0])
    second.post(f"/api/tasks/{disputed}/annotations/", json={"result": said}).raise_for_status()
    queue, truth = list(why)[: ROUND - 1], dict(zip(project.task_ids, LABELS, strict=False))
    for task in queue:
        annotate(team.server, task, truth[task])
    project.wait_for_version_after(first, team.backend.supervisor.check)
    wait_until(lambda: team.tabs()[DISPUTED] == {disputed})
    audits = {task for task in queue if why[task]["how"] == AUDIT}
    assert audits
    wait_until(lambda: team.tabs()[AUDITED] == audits)
    assert team.tabs()[UNCERTAIN] == most_doubted(team.why())
    suspects = tmp_path / "suspects.json"
    code, told = team.typed("suspects", "--out", str(suspects))
    rows = json.loads(suspects.read_text())
    doubted = {row["task"] for row in rows if row["p_instead"] > row["p_label"]}
    assert (code, wrong in doubted) == (0, True)
    # with so few labels the models may be too poor to say, which is told, and nothing stands in the tab
    assert team.tabs()[SUSPICIOUS] == (set() if "too poor yet" in told else doubted)

    page = Visit(team.backend, project.id)
    row = next(each for each in page.rows("opinions") if task_of(each) == disputed)
    page.press("opinions/send-back", row)
    assert disputed not in map(task_of, page.rows("opinions"))
    wait_until(lambda: "Label Studio serves it to somebody else" in page.part("suspects"))
    opened = team.get(f"/api/tasks/{disputed}/")
    assert (opened["is_labeled"], opened["overlap"], opened["total_annotations"]) == (False, 3, 2)
    fourth = team.server.sign_up("fourth").http
    fourth.post(f"/api/tasks/{disputed}/annotations/", json={"result": said}).raise_for_status()
    assert project.is_labeled(disputed)

    listed = tmp_path / "listed.json"
    code, told = team.typed("second-opinions", "-n", "1", "--out", str(listed), "--ask")
    assert (code, "1 of them wait for one more annotator" in told) == (0, True), told
    (asked,) = (row["task"] for row in json.loads(listed.read_text()))
    assert not project.is_labeled(asked)
    assert follow_queue(team.server, project)["id"] != asked  # who labelled it does not get it again
    third = team.server.sign_up("third").http
    assert follow_queue(team.server, project, third)["id"] == asked  # before any new task
    third.post(f"/api/tasks/{asked}/annotations/", json={"result": said}).raise_for_status()
    assert project.is_labeled(asked)
    assert not project.is_labeled(follow_queue(team.server, project, third)["id"])

    given, ours = team.annotations(), team.as_it_is()
    code, told = team.typed("disconnect", LABEL_STUDIO_URL="http://localhost:9")
    assert (code, "does not answer" in told, "Check LABEL_STUDIO_URL" in told) == (1, True, True), told
    assert team.as_it_is() == ours
    code, told = team.typed("disconnect")
    assert (code, "annotations are as they were" in told) == (0, True), told
    assert team.as_it_is() == before
    assert first in team.versions()
    code, told = team.typed("disconnect")
    assert (code, "is not connected to this backend: nothing was changed" in told) == (1, True), told
    assert team.typed("disconnect", "--delete-predictions")[0] == 0
    assert team.versions() == {THEIRS: 1}
    assert team.as_it_is() == before
    assert team.annotations() == given


def most_doubted(why: dict[int, dict[str, Any]]) -> set[int]:
    return set(sorted(why, key=lambda task: (-why[task]["doubt"], task))[:MOST])
