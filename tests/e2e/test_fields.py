"""The order goes by a field of the tasks, and towards the domain that is named, on a real Label Studio."""

from __future__ import annotations

from collections import Counter

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject, label_config
from tests.conftest import RunningBackend
from tests.e2e.steps import DATA, LABELS, TEXTS, Start, annotate, scores, wait_until

SOURCES = ("mail", "forum", "letter")
TASKS, OF_EACH = 60, 6
FIRST = 6
"""Of the queue's tasks so many are looked at, fewer than a batch of the strategy."""


def test_sources_take_turns_and_the_target_domain_comes_first(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    backend: RunningBackend = run_backend(TARGET_DOMAIN="source=forum", RECONCILE_EVERY="30")
    http = label_studio.admin.http
    body = {"title": "fields", "label_config": label_config(DATA.labels)}
    number = int(http.post("/api/projects", json=body).raise_for_status().json()["id"])
    rows = [{"text": text, "source": SOURCES[i % 3]} for i, text in enumerate(TEXTS[:TASKS])]
    path = f"/api/projects/{number}/import?return_task_ids=true"
    tasks = http.post(path, json=rows).raise_for_status().json()["task_ids"]
    source = {task: row["source"] for task, row in zip(tasks, rows, strict=True)}
    project = DemoProject(http, "fields", DATA.labels, [], (number, tasks))
    for label in DATA.labels:
        of_it = [task for task, true in zip(tasks, LABELS, strict=False) if true == label]
        for task in of_it[:OF_EACH]:
            annotate(label_studio, task, label)

    connection = {"project": number, "url": backend.url, "title": "atlas"}
    asked = {**connection, "extra_params": {"strategy": "margin by source"}}
    model = http.post("/api/ml", json=asked).raise_for_status().json()["id"]

    def first() -> list[str]:
        placed = scores(project)
        return [source[task] for task in sorted(placed, key=lambda task: placed[task])[:FIRST]]

    project.wait_for_version_after("", backend.supervisor.check)
    wait_until(lambda: Counter(first()) == dict.fromkeys(SOURCES, FIRST // len(SOURCES)))

    asked = {**connection, "extra_params": {"strategy": "representative"}}
    http.patch(f"/api/ml/{model}", json=asked).raise_for_status()
    wait_until(lambda: first().count("forum") >= FIRST - 1, 180)  # by chance 2 of them
