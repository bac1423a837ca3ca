"""The whole loop on a real Label Studio, seen through Label Studio's own API."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.demo.label_studio import LabelStudioServer
from backend.encoders.lite0_weights import WEIGHTS
from backend.running.backend import inherited_environment
from backend.settings import Settings
from backend.store.locations import version_store
from tests.e2e.steps import (
    LABELS,
    TEXTS,
    Start,
    annotate,
    lowest,
    new_project,
    results,
    scores,
    wait_until,
)


def test_labels_reorder_the_queue_and_other_projects_are_left_alone(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    backend = run_backend()
    project = new_project(label_studio, "loop")
    neighbour = new_project(label_studio, "neighbour", TEXTS[:20])
    project.connect(backend.url)
    first = project.wait_for_version_after("", backend.supervisor.check)

    served = label_studio.admin.http.get(f"/api/projects/{project.id}/next").json()
    assert served["id"] == lowest(project)
    label_of = dict(zip(project.task_ids, LABELS, strict=True))
    disasters = [task for task in project.task_ids if label_of[task] == "disaster"][:3]
    for task in [served["id"], *disasters, *[t for t in project.task_ids if t != served["id"]][:1]]:
        annotate(label_studio, task, label_of[task])
    second = project.wait_for_version_after(first, backend.supervisor.check)

    served = label_studio.admin.http.get(f"/api/projects/{project.id}/next").json()
    assert served["id"] == lowest(project)
    assert served["predictions"][0]["model_version"] == second
    assert served["predictions"][0]["result"]  # there is a model now, so a choice is shown
    ranked = version_store(Settings(data_dir=backend.data_dir), project.id).load(second).queue_ids.tolist()
    told = scores(project)
    assert sorted(told, key=lambda task: told[task]) == [task for task in ranked if task in told]
    assert set(ranked[: Settings().queue_head]) <= set(told)  # the best of them, best first
    assert not neighbour.model_version()
    assert not neighbour.predictions(second)
    # Publishing comes back as PROJECT_UPDATED; it must not start another round.
    time.sleep(4)
    assert project.model_version() == second

    answer = httpx.post(
        f"{backend.url}/predict",
        json={
            "project": f"{project.id}.1",
            "label_config": project.label_config,
            "tasks": [
                {"id": served["id"], "data": served["data"]},
                {"data": {}},
                {"data": {"text": ""}},
                {"data": {"text": "x" * 200_000}},
                {"data": {"text": "🔥 地震造成多人伤亡"}},
                {"data": None},
            ],
        },
        timeout=60,
    ).json()["results"]
    assert [item["model_version"] for item in answer] == [second] * 6
    assert all(0 < item["score"] < 1 and item["result"] for item in answer)
    assert answer[0]["score"] == served["predictions"][0]["score"]


def test_a_burst_is_trained_whole_in_at_most_three_retrains(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    backend = run_backend(RETRAIN_PAUSE="5", RETRAIN_WITHIN="6")  # the pause is the default
    project = new_project(label_studio, "burst")
    project.connect(backend.url)
    project.wait_for_version_after("", backend.supervisor.check)
    before = len(results(backend))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: annotate(label_studio, project.task_ids[i], LABELS[i]), range(100)))

    wait_until(lambda: any("Trained on 100 labels" in line for line in results(backend)))
    assert len(results(backend)) - before <= 3


def test_odd_annotations_and_a_restart_in_the_middle(
    label_studio: LabelStudioServer, run_backend: Start, tmp_path: Path
) -> None:
    backend = run_backend(data_dir=tmp_path / "kept", RETRAIN_EVERY="4")
    project = new_project(label_studio, "restart", TEXTS[:60])
    project.connect(backend.url)
    first = project.wait_for_version_after("", backend.supervisor.check)
    ids, label_of = project.task_ids, dict(zip(project.task_ids, LABELS, strict=False))
    rare = [task for task in ids if label_of[task] == "disaster"][:2]
    common = [task for task in ids if label_of[task] == "other"][:4]
    annotate(label_studio, rare[0], "disaster")
    annotate(label_studio, common[0], "other")
    annotate(label_studio, common[1], None)  # submitted empty
    annotate(label_studio, common[2], "other", was_cancelled=True)  # skipped, with a full result
    second = project.wait_for_version_after(first, backend.supervisor.check)
    # The version is switched just before the job ends and says what it did.
    wait_until(lambda: "Trained on 2 labels" in results(backend)[-1])

    backend.supervisor.__exit__()
    annotate(label_studio, rare[1], "disaster")  # while nobody listens
    port = int(backend.url.rsplit(":", 1)[1])
    again = run_backend(data_dir=tmp_path / "kept", port=port, RETRAIN_EVERY="1")
    assert project.model_version() == second
    annotate(label_studio, common[3], "other")
    third = project.wait_for_version_after(second, again.supervisor.check)
    assert third > second
    wait_until(lambda: "Trained on 4 labels" in results(again)[-1])
    assert label_studio.admin.http.get(f"/api/projects/{project.id}/next").json()["id"] == lowest(project)


def test_old_versions_are_cleared_once_nobody_annotates(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    backend = run_backend(RETRAIN_EVERY="1", CLEAR_AFTER="3")
    project = new_project(label_studio, "clearing", TEXTS[:30])
    project.connect(backend.url)
    versions = [project.wait_for_version_after("", backend.supervisor.check)]
    for task, label in list(zip(project.task_ids, LABELS, strict=False))[:3]:
        annotate(label_studio, task, label)
        versions.append(project.wait_for_version_after(versions[-1], backend.supervisor.check))

    def left() -> set[str]:
        return set(label_studio.admin.http.get(f"/api/projects/{project.id}/model-versions/").json())

    wait_until(lambda: left() == set(versions[-2:]))
    assert project.model_version() == versions[-1]
    assert label_studio.admin.http.get(f"/api/projects/{project.id}/next").json()["id"] == lowest(project)


def test_label_studio_shows_why_a_config_cannot_be_learned(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    backend = run_backend()
    http = label_studio.admin.http
    config = '<View><Text name="t" value="$text"/><DateTime name="r" toName="t"/></View>'
    project = http.post("/api/projects", json={"title": "number", "label_config": config}).json()["id"]
    answer = http.post("/api/ml", json={"project": project, "url": backend.url, "title": "atlas"})
    assert answer.status_code == 400
    assert "The label config asks for <DateTime" in answer.text


def run_demo(directory: Path, labels: int, *options: str) -> tuple[dict[str, Any], str]:
    """Its report, and what it said."""
    report = directory / "out.json"
    command = [sys.executable, "-m", "backend", "demo", "--once", f"--labels={labels}", f"--json={report}"]
    command += options
    env = {**inherited_environment(), "DATA_DIR": str(directory / "data")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(report.read_text()), done.stdout


def test_the_demo_serves_every_task_in_order_and_the_next_one_goes_on(tmp_path: Path) -> None:
    told, said = run_demo(tmp_path, 15)
    assert "`label-studio-atlas demo --fresh` deletes it and starts anew" in said
    assert len(told["rounds"]) == 3
    assert len({moment["annotator"] for moment in told["served"]}) == 2
    assert all(moment["score"] == moment["lowest"] is not None for moment in told["served"])
    assert Path(told["curve"]).read_bytes().startswith(b"\x89PNG")

    more, said = run_demo(tmp_path, 5)
    assert "Going on with the last demo" in said
    assert "15 of 640 tasks are labelled already" in said
    before = {moment["task"] for moment in told["served"]}
    assert len(more["served"]) == 5
    assert not before & {moment["task"] for moment in more["served"]}


@pytest.mark.skipif(WEIGHTS.missing() is not None, reason=str(WEIGHTS.missing()))
def test_the_demo_on_images_serves_every_task_in_order_and_learns(tmp_path: Path) -> None:
    told, said = run_demo(tmp_path, 25, "--images")
    assert 'the rare class is "cracked"' in said
    assert len(told["rounds"]) == 5
    assert all(moment["score"] == moment["lowest"] is not None for moment in told["served"])
    assert told["rounds"][-1]["accuracy"] > 0.8  # what is held out is answered, too
    assert Path(told["curve"]).read_bytes().startswith(b"\x89PNG")
