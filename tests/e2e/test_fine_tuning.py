"""Adapting an encoder's layers beside a real Label Studio: after the retrain, and guesses, and with
RANK_ON=adapted the order, come from them only where held-out tasks say that they are better."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from backend.settings import Settings
from backend.store.locations import version_store
from tests.conftest import RunningBackend, backends
from tests.e2e.installation import atlas
from tests.e2e.steps import annotate, follow_queue, scores, wait_until
from tests.quick_bert import LABELS, label_of, make_model, texts

TEXTS = texts(140)
LABELLED = 60


@dataclass
class Setting:
    studio: LabelStudioServer
    backend: RunningBackend

    def project(self, title: str) -> tuple[DemoProject, str]:
        """Connected, and its first version: a cold start's."""
        project = DemoProject(self.studio.admin.http, title, list(LABELS), TEXTS)
        project.connect(self.backend.url)
        return project, project.wait_for_version_after("", self.backend.supervisor.check)

    def label(self, project: DemoProject, labels: list[str]) -> None:
        """The first tasks, of which the last one starts the retrain."""
        for task, label in zip(project.task_ids, labels, strict=False):
            annotate(self.studio, task, label)

    def stats(self, project: DemoProject, version: str) -> dict[str, Any]:
        return version_store(Settings(data_dir=self.backend.data_dir), project.id).stats(version)

    def order(self, project: DemoProject, version: str) -> list[int]:
        store = version_store(Settings(data_dir=self.backend.data_dir), project.id)
        found: list[int] = store.load(version).queue_ids.tolist()
        return found

    def fine_tuned(self, project: DemoProject) -> dict[str, Any]:
        """What the job says, once it has ended."""
        answers: list[dict[str, Any]] = []

        def has_ended() -> bool:
            asked = httpx.get(f"{self.backend.url}/job_status?job=finetune-{project.id}")
            answers.append(asked.json())
            return answers[-1].get("status") == "finished"

        wait_until(has_ended)
        told: dict[str, Any] = answers[-1]["result"]
        return told

    def guesses(self, project: DemoProject, version: str) -> dict[int, str]:
        """By task, what Label Studio has stored of a version."""
        raw = self.studio.admin.http.get("/api/predictions", params={"project": project.id}).json()
        return {
            each["task"]: each["result"][0]["value"]["choices"][0]
            for each in raw
            if each["model_version"] == version and each["result"]
        }

    def predicted(self, project: DemoProject, tasks: list[int]) -> dict[int, str]:
        """By task, what the web server answers."""
        asked = [{"id": task, "data": {"text": text_of(project, task)}} for task in tasks]
        body = {"tasks": asked, "project": f"{project.id}.1", "label_config": project.label_config}
        answer = httpx.post(f"{self.backend.url}/predict", json=body, timeout=60)
        found = answer.raise_for_status().json()["results"]
        said = [each["result"][0]["value"]["choices"][0] for each in found]
        return dict(zip(tasks, said, strict=True))

    def layers(self, project: DemoProject) -> str:
        """What doctor finds of them."""
        done = atlas(self.backend.env, "doctor", "--json", "--project", str(project.id))
        findings = json.loads(done.stdout)["findings"]
        return str(next(each["found"] for each in findings if each["check"] == "layers"))


def text_of(project: DemoProject, task: int) -> str:
    return TEXTS[project.task_ids.index(task)]


def right(project: DemoProject, said: dict[int, str]) -> float:
    return sum(label_of(text_of(project, task)) == label for task, label in said.items()) / len(said)


@pytest.fixture(scope="module")
def setting(label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder: Path = tmp_path_factory.mktemp("fine-tuning")
    model = make_model(folder / "model")
    settings = {"RETRAIN_EVERY": str(LABELLED), "RETRAIN_WITHIN": "1000", "SHOW_GUESS_FROM": "0"}
    settings |= {"FINE_TUNE": "last", "RANK_ON": "adapted"}
    with backends(label_studio, folder) as start:
        yield Setting(label_studio, start(ENCODER=str(model), **settings))


def test_the_retrain_is_published_first_then_a_version_that_guesses_by_adapted_layers(
    setting: Setting,
) -> None:
    project, first = setting.project("adapted")
    setting.label(project, [label_of(text) for text in TEXTS[:LABELLED]])
    second = project.wait_for_version_after(first, setting.backend.supervisor.check)
    assert setting.stats(project, second)["trained_on"] == LABELLED
    before = setting.guesses(project, second)
    told = setting.fine_tuned(project)
    assert told["adapted"] > told["frozen"] + told["error"]
    third = project.wait_for_version_after(second, setting.backend.supervisor.check)
    assert "adapted" not in setting.stats(project, second)
    assert setting.stats(project, third)["adapted"]["digest"] == told["digest"]
    after = setting.guesses(project, third)
    assert set(after) == set(project.task_ids[LABELLED:])
    assert right(project, after) > right(project, before) + 0.05
    assert setting.predicted(project, list(after)) == after
    waiting = len(project.task_ids) - LABELLED
    ranked_on = {"vectors": "adapted", "tasks": waiting, "labels": LABELLED}
    assert setting.stats(project, third)["ranked_on"] == ranked_on
    order, score = setting.order(project, third), scores(project, third)
    assert sorted(score, key=lambda task: score[task]) == order != setting.order(project, second)
    assert follow_queue(setting.studio, project)["id"] == order[0]
    found = setting.layers(project)
    assert found.startswith(f"{told['said']}; the first {waiting} tasks are in an order of adapted vectors")
    listed = json.loads(atlas(setting.backend.env, "versions", "--project", str(project.id), "--json").stdout)
    assert [row["version"] for row in listed if "adapted" in row] == [third]
    assert "guesses by adapted layers" in setting.backend.log()


def test_where_held_out_tasks_gain_nothing_the_version_goes_on_guessing_by_itself(setting: Setting) -> None:
    """Labels by the toss of a coin, which nothing in a text tells."""
    project, first = setting.project("by a coin")
    coin = random.Random(1)
    setting.label(project, [LABELS[coin.randint(0, 1)] for _ in range(LABELLED)])
    second = project.wait_for_version_after(first, setting.backend.supervisor.check)
    told = setting.fine_tuned(project)
    assert told["said"].startswith("the encoder's last layers adapted to no avail")
    assert told["digest"] is None
    assert setting.layers(project) == f"{told['said']}; the order is of frozen vectors"
    assert project.model_version() == second
    assert "adapted" not in setting.stats(project, second)
