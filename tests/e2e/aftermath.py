"""What must hold once faults have ceased, read from Label Studio, Redis and the disk themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from rq import Queue
from rq.registry import FailedJobRegistry, ScheduledJobRegistry, StartedJobRegistry

from backend.demo.project import DemoProject
from backend.jobs.kinds import QUEUE_NAME, UPKEEP_QUEUE
from backend.store.model_version import ModelVersion
from backend.store.paths import project_dir
from backend.store.tasks import TaskStore, fingerprint
from backend.store.versions import VersionStore
from tests.e2e.cluster import Cluster

HEAD = 10
"""QUEUE_HEAD of the cluster."""


def problems(cluster: Cluster, project: DemoProject) -> list[str]:
    """Everything that is not as it should be; empty in the end."""
    versions = VersionStore(project_dir(cluster.data_dir, project.id))
    name = versions.published()
    if name is None:
        return ["no version is published"]
    tasks = project._get("/api/tasks", project=project.id, page_size=10_000, fields="all")["tasks"]
    return [
        *_untrained(cluster, project, versions, name, tasks),
        *_disorder(project, versions.load(name), tasks),
        *_jobs_left(cluster),
        *_versions_left(project, versions, name),
        *_files_left(cluster),
    ]


def _labels(tasks: list[dict[str, Any]]) -> dict[int, set[str]]:
    """Task to the labels it has in Label Studio: of annotations, not of skips or drafts."""
    found: dict[int, set[str]] = {}
    for task in tasks:
        for annotation in task["annotations"]:
            for region in annotation["result"] if not annotation["was_cancelled"] else []:
                found.setdefault(task["id"], set()).update(region["value"]["choices"])
    return found


def _untrained(
    cluster: Cluster,
    project: DemoProject,
    versions: VersionStore,
    name: str,
    tasks: list[dict[str, Any]],
) -> Iterator[str]:
    """The labels in Label Studio against those that the published version was trained on."""
    given = {task: labels.copy().pop() for task, labels in _labels(tasks).items() if len(labels) == 1}
    with TaskStore(project_dir(cluster.data_dir, project.id) / "tasks.sqlite") as store:
        stored = store.tasks()
    pulled = {task.id: task.target for task in stored if task.target is not None}
    if pulled != given:
        wrong = {task for task in pulled.keys() | given.keys() if pulled.get(task) != given.get(task)}
        yield f"labels of {len(wrong)} tasks are not as in Label Studio: {sorted(wrong)[:5]}"
    stats = versions.stats(name)
    known = [task for task in stored if task.id <= stats.get("newest_task", task.id)]
    if stats["fingerprint"] != fingerprint(known) or stats["trained_on"] != len(given):
        yield f"{name} was trained on {stats['trained_on']} labels, or other ones; there are {len(given)}"
    if stats["labels"] != dict(Counter(given.values())):
        yield f"{name} was trained on {stats['labels']}"


def _disorder(project: DemoProject, version: ModelVersion, tasks: list[dict[str, Any]]) -> Iterator[str]:
    """The order in Label Studio against the ranking of the published version."""
    if project.model_version() != version.name:
        yield f"Label Studio orders by {project.model_version()}, published is {version.name}"
    published = project.predictions(version.name)
    scores = {item.task: item.score for item in published}
    if len(set(scores.values())) != len(scores) or len(scores) != len(published):
        yield "a task has two predictions, or two tasks have one score"
    waiting = {task["id"] for task in tasks if not task["is_labeled"]}
    ranking = [task for task in version.queue_ids.tolist() if task in waiting]
    told = [item.task for item in published if item.task in ranking]
    if told != sorted(told, key=ranking.index):
        yield "the published order is not the ranking's"
    # What somebody skipped comes last in the head: whoever did that is not served it again.
    touched = {task["id"] for task in tasks if task["annotations"]}
    wanted = (task for task in ranking if task not in touched)
    missing = [task for task in islice(wanted, HEAD // 2) if task not in scores]
    if missing:
        yield f"the first of the ranking are not published: {missing}"


def _jobs_left(cluster: Cluster) -> Iterator[str]:
    for name in (QUEUE_NAME, UPKEEP_QUEUE):
        queue = Queue(name, connection=cluster.redis)
        lists = {
            "waiting": queue.get_job_ids(),
            "running": StartedJobRegistry(queue=queue).get_job_ids(cleanup=False),
            "scheduled": ScheduledJobRegistry(queue=queue).get_job_ids(),
            "failed": FailedJobRegistry(queue=queue).get_job_ids(),
            "stuck": queue.intermediate_queue.get_job_ids(),
        }
        for state, jobs in lists.items():
            if left := [job for job in jobs if not job.startswith("reconcile")]:
                yield f"{state}: {left}"
    for pattern in ("atlas:lock:*", "atlas:project:*:aside"):
        if left := list(cluster.redis.scan_iter(pattern)):
            yield f"left in Redis: {left}"


def _versions_left(project: DemoProject, versions: VersionStore, name: str) -> Iterator[str]:
    """Label Studio keeps the present one and the one before; the disk KEEP_VERSIONS."""
    left = sorted(project._get(f"/api/projects/{project.id}/model-versions/"))
    if len(left) > 2 or name not in left:
        yield f"versions in Label Studio: {left}"
    if len(versions.names()) > 6:
        yield f"versions on disk: {versions.names()}"


def _files_left(cluster: Cluster) -> Iterator[str]:
    if left := [str(path) for path in cluster.data_dir.rglob(".*")]:
        yield f"temporary files: {left}"
