"""A team that labels what Label Studio serves, while containers come and go."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from tests.docker.stack import Stack
from tests.e2e.steps import LABELS, TEXTS, annotate, follow_queue, new_project, wait_until

TRUTH = dict(zip(TEXTS, LABELS, strict=True))
QUICK = {
    "RETRAIN_EVERY": "3",
    "RETRAIN_WITHIN": "5",
    "RETRAIN_PAUSE": "0",
    "RETRY_AFTER": "2",
    "RECONCILE_EVERY": "10",
    "WORKER_LOST_AFTER": "30",  # at 15 a retrain lost its lock on a machine at load 13
    "CLEAR_AFTER": "5",
}
"""Short waits, so that a test need not wait for long."""


def connected_project(stack: Stack, server: LabelStudioServer, title: str, texts: int = 200) -> DemoProject:
    project = new_project(server, title, TEXTS[:texts])
    assert "All is well." in stack.atlas("connect", "--project", str(project.id))
    return project


def label(server: LabelStudioServer, project: DemoProject, count: int) -> None:
    """What `/next` serves, by the truth. Fails at the first answer that is no success."""
    for _ in range(count):
        task = follow_queue(server, project)
        annotate(server, task["id"], TRUTH[task["data"]["text"]])


def labels_in(server: LabelStudioServer, project: DemoProject) -> int:
    """Annotated tasks, as Label Studio counts them."""
    answer = server.admin.http.get(f"/api/projects/{project.id}/").json()
    return int(answer["num_tasks_with_annotations"])


def versions(stack: Stack, project: DemoProject) -> dict[str, dict[str, Any]]:
    """What `label-studio-atlas versions` tells of each kept version, by name."""
    told = stack.atlas("versions", "--project", str(project.id), "--json")
    rows: list[dict[str, Any]] = json.JSONDecoder().raw_decode(told[told.index("[") :])[0]
    return {row["version"]: row for row in rows}


def wait_until_trained_on_all(stack: Stack, server: LabelStudioServer, project: DemoProject) -> None:
    """The published version learned from every label that is in Label Studio."""

    def learned() -> bool:
        current = versions(stack, project).get(project.model_version(), {})
        return current.get("trained_on") == labels_in(server, project)

    wait_until(learned, 600)


@contextmanager
def labelling(server: LabelStudioServer, project: DemoProject) -> Iterator[list[int]]:
    """A label every two seconds meanwhile, in a thread; yields a list of one per label given."""
    given: list[int] = []
    failed: list[BaseException] = []
    over = threading.Event()

    def work() -> None:
        try:
            while not over.wait(2):
                label(server, project, 1)
                given.append(1)
        except Exception as error:  # handed to the test's own thread below
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield given
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]
