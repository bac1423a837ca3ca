"""One fault at a time, at a moment chosen: afterwards nothing is lost and nothing is left."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from backend.jobs.status import job_status
from backend.store.paths import project_dir
from backend.store.versions import VersionStore
from tests.e2e.aftermath import problems
from tests.e2e.cluster import Cluster, clusters
from tests.e2e.monkey import ANSWERS, children, is_job, slow
from tests.e2e.proxy import Answer, Call, forward
from tests.e2e.steps import TEXTS, annotate, new_project, tasks_of, wait_until

IMPORT = "import/predictions"
RETRAINERS = ("retrain1", "retrain2")
"""The second need not be waited for while the first, which was killed, starts again."""


@pytest.fixture(scope="module")
def cluster(label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with clusters(tmp_path_factory.mktemp("faults"), label_studio) as made:
        made.start("web", *RETRAINERS, "upkeep1")
        yield made


@pytest.fixture
def project(label_studio: LabelStudioServer, cluster: Cluster) -> DemoProject:
    return published(label_studio, cluster)


def published(server: LabelStudioServer, cluster: Cluster) -> DemoProject:
    """Trained on three labels, published, and nothing waits or runs."""
    made = new_project(server, "faults", TEXTS[:24])
    for label, count in (("disaster", 1), ("other", 2)):
        for task in tasks_of(made, label)[:count]:
            annotate(server, task, label)
    made.connect(cluster.road.url)
    heals(cluster, made)
    return made


def heals(cluster: Cluster, project: DemoProject) -> None:
    cluster.api.meddle = forward
    wait_until(lambda: problems(cluster, project) == [], seconds=180)


def one_more(server: LabelStudioServer, project: DemoProject) -> None:
    annotate(server, tasks_of(project, "other")[3], "other")


class Hold:
    """A meddler that holds the first call it waits for, before it is passed on or before its answer is."""

    def __init__(self, method: str, end: str, *, answered: bool = False):
        self.reached, self.released = threading.Event(), threading.Event()
        self._wanted = (method, end)
        self._answered = answered

    def __call__(self, call: Call) -> Answer | None:
        method, end = self._wanted
        path = call.path.split("?")[0].rstrip("/")
        if self.reached.is_set() or call.method != method or not path.endswith(end):
            return call.forward()
        answer = call.forward() if self._answered else None
        self.reached.set()
        self.released.wait(120)
        return answer or call.forward()


MOMENTS: dict[str, Callable[[int], Hold]] = {
    "before the pull": lambda project: Hold("GET", f"projects/{project}"),
    "in the pull": lambda project: Hold("GET", "tasks"),
    "after writing the model, before publishing": lambda project: Hold("POST", IMPORT),
    "after the import": lambda project: Hold("POST", IMPORT, answered=True),
    "before the switch": lambda project: Hold("PATCH", f"projects/{project}"),
    "after the switch, before clearing": lambda project: Hold("PATCH", f"projects/{project}", answered=True),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_killed_at_a_moment_of_a_retrain(
    label_studio: LabelStudioServer, cluster: Cluster, project: DemoProject, moment: str
) -> None:
    hold = cluster.api.meddle = MOMENTS[moment](project.id)
    one_more(label_studio, project)
    assert hold.reached.wait(90)
    kill_the_busy_one(cluster)
    hold.released.set()
    heals(cluster, project)


def kill_the_busy_one(cluster: Cluster) -> None:
    busy = [name for name in RETRAINERS if any(map(is_job, children(cluster.pid(name))))]
    assert len(busy) == 1
    cluster.kill(busy[0])
    cluster.start(busy[0])


def test_a_worker_killed_in_training(
    label_studio: LabelStudioServer, cluster: Cluster, project: DemoProject
) -> None:
    """Training asks Label Studio nothing: its process is stopped as soon as the pull has its answer."""
    hold = cluster.api.meddle = Hold("GET", "tasks", answered=True)
    before = versions(cluster, project)
    one_more(label_studio, project)
    assert hold.reached.wait(90)
    hold.released.set()
    kill_the_busy_one(cluster)
    assert versions(cluster, project) == before
    heals(cluster, project)


def versions(cluster: Cluster, project: DemoProject) -> list[str]:
    return VersionStore(project_dir(cluster.data_dir, project.id)).names()


def test_each_answer_label_studio_should_not_give(
    label_studio: LabelStudioServer, cluster: Cluster, project: DemoProject
) -> None:
    """The job tells the reason, and is done once Label Studio answers again."""
    others = tasks_of(project, "other")[3:]
    for task, answer in zip(others, [each for each in ANSWERS if each is not slow], strict=False):
        cluster.api.meddle = answer
        annotate(label_studio, task, "other")
        wait_until(lambda: bool((job_status(cluster.redis, f"retrain-{project.id}") or {}).get("error")))
        heals(cluster, project)


def test_redis_emptied_under_a_retrain(
    label_studio: LabelStudioServer, cluster: Cluster, project: DemoProject
) -> None:
    hold = cluster.api.meddle = Hold("POST", IMPORT)
    one_more(label_studio, project)
    assert hold.reached.wait(90)
    cluster.kill("redis")
    cluster.empty_redis()
    cluster.start("redis")
    hold.released.set()
    cluster.start(*RETRAINERS, "upkeep1", "cron")
    heals(cluster, project)
    cluster.stop("cron")


def test_a_full_disk(label_studio: LabelStudioServer, tmp_path: Path) -> None:
    """The job tells the reason, the version before serves, and nothing half written is left."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "atlas", disk]).returncode:
        pytest.skip("a small disk can only be mounted by root")
    try:
        with clusters(tmp_path, label_studio, DATA_DIR=str(disk)) as cluster:
            cluster.data_dir = disk
            cluster.start("web", "retrain1", "upkeep1")
            project = published(label_studio, cluster)
            before = project.model_version()
            (disk / "filler").write_bytes(b"x" * (free(disk) - 20_000))
            one_more(label_studio, project)
            told = lambda: job_status(cluster.redis, f"retrain-{project.id}") or {}  # noqa: E731
            wait_until(lambda: "no space left" in (told().get("error") or ""))
            assert project.model_version() == before
            asked = {"project": f"{project.id}.1", "label_config": project.label_config}
            body = {**asked, "tasks": [{"id": 1, "data": {"text": "x"}}]}
            answer = httpx.post(f"{cluster.web_url}/predict", json=body, timeout=60).json()
            assert answer["results"][0]["model_version"] == before
            assert not list(disk.rglob(".*"))
            (disk / "filler").unlink()
            heals(cluster, project)
            assert project.model_version() > before
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize
