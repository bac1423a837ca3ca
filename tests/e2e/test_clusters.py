"""QUEUE_CLUSTERS: Label Studio itself takes the clusters of the published head in turn, per annotator."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from tests.e2e.steps import Start, annotate, follow_queue, new_project, wait_until

# Mostly of one kind, so that the order alone would not alternate.
TEXTS = [
    f"cup final and league of town {i}" if i % 3 else f"storm, rain and flood near village {i}"
    for i in range(30)
]


def head(server: LabelStudioServer, project: DemoProject) -> list[dict[str, Any]]:
    """The predictions of the current version, lowest score first."""
    version = project.model_version()
    raw = server.admin.http.get("/api/predictions", params={"project": project.id}).json()
    return sorted((p for p in raw if p["model_version"] == version), key=lambda p: p["score"])


def marked(server: LabelStudioServer, project: DemoProject) -> bool:
    found = head(server, project)
    return bool(found) and all(p["cluster"] is not None for p in found)


def test_each_annotator_gets_the_clusters_in_turn(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    backend = run_backend(QUEUE_CLUSTERS="2", QUEUE_HEAD="20", RETRAIN_EVERY="1000", RETRAIN_WITHIN="1000")
    project = new_project(label_studio, "clusters", TEXTS)
    project.connect(backend.url)
    version = project.wait_for_version_after("", backend.supervisor.check)
    wait_until(lambda: marked(label_studio, project))
    order = head(label_studio, project)
    cluster_of = {p["task"]: p["cluster"] for p in order}
    rainy = {cluster_of[p["task"]] for p in order if project.task_ids.index(p["task"]) % 3 == 0}
    assert len(order) == 20
    assert len(rainy) == 1
    assert len(set(cluster_of.values())) == 2

    team = [label_studio.sign_up(f"cluster{i}-{project.id}") for i in range(2)]
    solved: dict[str, list[int]] = {who.email: [] for who in team}
    free = list(cluster_of)
    for turn in range(10):
        who = team[turn % 2]
        times = Counter(solved[who.email])
        expected = min(free, key=lambda task: times[cluster_of[task]])  # the first such in the order
        served = follow_queue(label_studio, project, who.http)["id"]
        assert served == expected
        region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["other"]}}
        answer = who.http.post(f"/api/tasks/{served}/annotations/", json={"result": [region]})
        answer.raise_for_status()
        solved[who.email].append(cluster_of[served])
        free.remove(served)
    for clusters in solved.values():  # one of each before the next of any
        assert len(set(clusters[0:2])) == len(set(clusters[2:4])) == 2
    in_order = [cluster_of[p["task"]] for p in order[:10]]
    assert any(one == next_one for one, next_one in pairwise(in_order))

    # The head is topped up (half of it is used) in the same clusters, and a new version has its own.
    wait_until(lambda: len(head(label_studio, project)) == 30 and marked(label_studio, project))
    assert project.model_version() == version
    assert {p["cluster"] for p in head(label_studio, project)} == set(cluster_of.values())
    annotate(label_studio, free[0], "disaster")
    backend_model = label_studio.admin.http.get("/api/ml", params={"project": project.id}).json()[0]
    label_studio.admin.http.post(f"/api/ml/{backend_model['id']}/train", json={}).raise_for_status()
    project.wait_for_version_after(version, backend.supervisor.check)
    wait_until(lambda: marked(label_studio, project))
    assert not {p["cluster"] for p in head(label_studio, project)} & set(cluster_of.values())
