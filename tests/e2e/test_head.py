"""The head of the queue: never dry, never somebody else's, and new tasks in it without a retrain."""

from __future__ import annotations

import os
import signal
import time

import pytest

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from tests.conftest import RunningBackend, backends
from tests.e2e.steps import (
    LABELS,
    TEXTS,
    Start,
    annotate,
    follow_queue,
    scores,
    trained_project,
    wait_until,
)

HEAD = 30


BACKEND = {
    "QUEUE_HEAD": str(HEAD),
    "RETRAIN_EVERY": "1000",
    "RETRAIN_WITHIN": "1000",
    "RECONCILE_EVERY": "3",
    "CLEAR_AFTER": "1",
}
"""Retrains only when told to: what else changes Label Studio's order is the refill."""


def first(scores: dict[int, float]) -> int:
    return min(scores, key=lambda task: scores[task])


def label_of(project: DemoProject, task: int) -> str:
    return LABELS[project.task_ids.index(task)]


def test_a_slow_retrain_does_not_let_the_head_run_dry(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    """By what annotations tell alone: the clock does not come to the rescue."""
    never = dict.fromkeys(("RETRAIN_EVERY", "RETRAIN_WITHIN", "RECONCILE_EVERY"), "100000")
    backend = run_backend(QUEUE_HEAD=str(HEAD), **never)
    project = trained_project(label_studio, backend, "slow", texts=100)
    version = project.model_version()
    http = label_studio.admin.http
    os.kill(backend.pid("worker"), signal.SIGSTOP)  # a retrain that takes for ever
    try:
        http.post(f"{backend.url}/train", json={"project": project.id}).raise_for_status()
        places = []
        for _ in range(2 * HEAD):
            served = follow_queue(label_studio, project)
            assert [item["model_version"] for item in served["predictions"]] == [version]
            places.append(served["predictions"][0]["score"])
            annotate(label_studio, served["id"], label_of(project, served["id"]))
            time.sleep(0.4)  # somebody very quick
        assert places == sorted(places)
        assert len(scores(project)) > 2 * HEAD
        assert project.model_version() == version
    finally:
        os.kill(backend.pid("worker"), signal.SIGCONT)
    newer = project.wait_for_version_after(version, backend.supervisor.check)
    assert follow_queue(label_studio, project)["predictions"][0]["model_version"] == newer


def test_new_tasks_take_their_place_without_a_retrain(
    label_studio: LabelStudioServer, backend: RunningBackend
) -> None:
    project = trained_project(label_studio, backend, "import", texts=20)
    version, before = project.model_version(), scores(project)
    new = [{"data": {"text": text}} for text in TEXTS[200:210]]
    answer = label_studio.admin.http.post(f"/api/projects/{project.id}/import?return_task_ids=true", json=new)
    ids = answer.json()["task_ids"]
    wait_until(lambda: set(ids) <= set(scores(project, version)))
    after = scores(project, version)
    assert {task: after[task] for task in before} == before
    assert project.model_version() == version
    assert follow_queue(label_studio, project)["id"] == first(after)


def test_what_settings_pages_do_to_the_version_is_mended(
    label_studio: LabelStudioServer, backend: RunningBackend
) -> None:
    http = label_studio.admin.http
    project = trained_project(label_studio, backend, "settings", texts=20)
    old = project.model_version()
    http.post(f"{backend.url}/train", json={"project": project.id}).raise_for_status()
    version = project.wait_for_version_after(old, backend.supervisor.check)
    address = f"/api/projects/{project.id}/"

    http.patch(address, json={"model_version": old}).raise_for_status()  # as a page loaded before would
    wait_until(lambda: project.model_version() == version)
    http.patch(address, json={"model_version": ""}).raise_for_status()
    wait_until(lambda: project.model_version() == version)
    # Pre-annotation switched off empties the version; the order must stay, and nothing be shown.
    http.patch(address, json={"show_collab_predictions": False}).raise_for_status()
    wait_until(lambda: project.model_version() == version)
    assert not http.get(address).json()["show_collab_predictions"]
    served, told = follow_queue(label_studio, project), scores(project)
    assert served["predictions"] == []
    assert served["id"] == min(
        (task for task in told if not project.is_labeled(task)), key=lambda task: told[task]
    )


def test_deleted_predictions_come_back(label_studio: LabelStudioServer, backend: RunningBackend) -> None:
    project = trained_project(label_studio, backend, "deleted", texts=20)
    version, before = project.model_version(), scores(project)
    every = {"selectedItems": {"all": True, "excluded": []}}
    action = {"id": "delete_tasks_predictions", "project": project.id}
    label_studio.admin.http.post("/api/dm/actions", params=action, json=every).raise_for_status()
    assert not project.predictions(version)
    wait_until(lambda: scores(project, version) == before)  # no event tells: reconcile finds it
    assert project.model_version() == version


def test_blind_mode_keeps_the_order_and_shows_nothing(
    label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with backends(label_studio, tmp_path_factory.mktemp("blind")) as start:
        project = trained_project(label_studio, start(BLIND="true"), "blind", texts=20)
        told = scores(project)
        served = follow_queue(label_studio, project)
        assert served["id"] == first(told)
        assert served["predictions"] == []
