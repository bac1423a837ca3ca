"""Two installations on one Label Studio: each to itself on a project of its own, and told where they meet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from backend.jobs.state import known_projects
from backend.jobs.status import job_status
from tests.conftest import RunningBackend, backends
from tests.e2e.installation import atlas
from tests.e2e.steps import LABELS, TEXTS, annotate, follow_queue, lowest, new_project, scores, wait_until

QUICK = {"RETRAIN_EVERY": "3", "RECONCILE_EVERY": "3", "QUEUE_HEAD": "20"}
Two = tuple[RunningBackend, RunningBackend]


@pytest.fixture(scope="module")
def two(label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """Each with a port, a data folder and a Redis of its own."""
    with backends(label_studio, tmp_path_factory.mktemp("two")) as start:
        yield start(**QUICK), start(**QUICK)


def connect(backend: RunningBackend, project: DemoProject) -> tuple[int, str]:
    """Its exit code, and what it prints, in one line."""
    done = atlas(backend.env, "connect", backend.url, "--project", str(project.id))
    return done.exit_code, " ".join(done.output.split())


def faults(backend: RunningBackend, project: DemoProject) -> dict[str, dict[str, Any]]:
    told = json.loads(atlas(backend.env, "doctor", "--json", "--project", str(project.id)).stdout)
    return {each["check"]: each for each in told["findings"] if each["state"] == "wrong"}


def label(server: LabelStudioServer, project: DemoProject, count: int) -> None:
    """What Label Studio serves, by the truth."""
    truth = dict(zip(TEXTS, LABELS, strict=True))
    for _ in range(count):
        task = follow_queue(server, project)
        annotate(server, task["id"], truth[task["data"]["text"]])


def learned(backend: RunningBackend, project: DemoProject) -> dict[str, int]:
    """From how many labels it trained each of its kept versions of the project."""
    told = atlas(backend.env, "versions", "--project", str(project.id), "--json")
    rows = json.loads(told.stdout) if told.exit_code == 0 else []
    return {row["version"]: row["trained_on"] for row in rows}


def wait_until_learned(backend: RunningBackend, project: DemoProject, labels: int) -> None:
    wait_until(lambda: labels in learned(backend, project).values())


def wait_until_ordered(backend: RunningBackend, project: DemoProject, labels: int) -> None:
    """Label Studio follows a version of this backend's that learned from so many labels."""
    wait_until(lambda: learned(backend, project).get(project.model_version()) == labels)


def known(backend: RunningBackend) -> list[int]:
    with Redis.from_url(backend.env["REDIS_URL"]) as redis:
        return sorted(known_projects(redis))


def folders(backend: RunningBackend) -> list[str]:
    return sorted(each.name for each in Path(backend.data_dir, "projects").iterdir())


def remove(http: httpx.Client, project: DemoProject, backend: RunningBackend) -> None:
    """Its connection and its webhook, as `doctor` advises."""
    for listed, each_of_them in (("/api/ml", "/api/ml/{}"), ("/api/webhooks/", "/api/webhooks/{}/")):
        for each in http.get(listed, params={"project": project.id}).json():
            if each["url"].startswith(backend.url):
                http.delete(each_of_them.format(each["id"])).raise_for_status()


def test_each_orders_its_own_project_and_knows_of_no_other(label_studio: LabelStudioServer, two: Two) -> None:
    mine = [new_project(label_studio, f"of backend {number}", TEXTS[:40]) for number in range(2)]
    for backend, project in zip(two, mine, strict=True):
        assert connect(backend, project)[0] == 0
    for _ in range(2):  # in turn, so that both learn at once
        for project in mine:
            label(label_studio, project, 3)
    for backend, project, other in zip(two, mine, reversed(mine), strict=True):
        wait_until_ordered(backend, project, 6)
        assert follow_queue(label_studio, project)["id"] == lowest(project)
        scores(project)  # one prediction for each task
        assert faults(backend, project) == {}
        assert known(backend) == [project.id]
        assert folders(backend) == [str(project.id)]
        assert set(faults(backend, other)) == {"connection"}  # it is another's


def test_both_on_one_project_are_told_so_and_lose_no_label_and_one_goes_on_when_the_other_is_removed(
    label_studio: LabelStudioServer, two: Two
) -> None:
    first, second = two
    http = label_studio.admin.http
    project = new_project(label_studio, "of both", TEXTS[:60])
    assert connect(first, project)[0] == 0
    code, told = connect(second, project)
    assert code == 1
    assert f"there is another, to {first.url}; remove it under Settings > Model" in told
    assert f"another label-studio-atlas works on this project too, at {first.url}" in told
    for backend, other in ((first, second), (second, first)):
        assert other.url in faults(backend, project)["other backends"]["found"]

    label(label_studio, project, 6)  # none is refused
    for backend in two:
        wait_until_learned(backend, project, 6)

    remove(http, project, first)
    code, told = connect(second, project)  # its order is put in place where the other's was
    assert code == 0, told
    label(label_studio, project, 3)
    wait_until_ordered(second, project, 9)
    wait_until(lambda: faults(second, project) == {})
    assert 9 not in learned(first, project).values()
    scores(project)
    assert follow_queue(label_studio, project)["id"] == lowest(project)
    version = project.model_version()
    wait_until(lambda: "no connection to this backend" in told_by_last_look(first, project))
    assert project.model_version() == version


def told_by_last_look(backend: RunningBackend, project: DemoProject) -> str:
    """Of a project, when the backend last looked at all of them."""
    with Redis.from_url(backend.env["REDIS_URL"]) as redis:
        found = job_status(redis, "reconcile") or {}
    return str((found.get("result") or {}).get(str(project.id)))
