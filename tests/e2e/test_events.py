"""Each thing that happens to a project, told by its webhook alone: no reconcile comes to the rescue."""

from __future__ import annotations

from typing import Any

import httpx

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject, label_config
from tests.conftest import RunningBackend
from tests.e2e.steps import (
    TEXTS,
    annotate,
    follow_queue,
    new_project,
    retrained,
    scores,
    tasks_of,
    trained_project,
    wait_until,
)

BACKEND = {"RETRAIN_EVERY": "1", "RECONCILE_EVERY": "100000", "QUEUE_HEAD": "10"}


def choice(label: str) -> list[dict[str, Any]]:
    return [{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}]


def connection(server: LabelStudioServer, project: DemoProject) -> dict[str, Any]:
    found: dict[str, Any] = server.admin.http.get("/api/ml", params={"project": project.id}).json()[0]
    return found


def test_every_event_reaches_the_model(label_studio: LabelStudioServer, backend: RunningBackend) -> None:
    http = label_studio.admin.http
    project = trained_project(label_studio, backend, "events", texts=20)
    free = iter(tasks_of(project, "other")[2:])

    def post(path: str, body: Any, **params: Any) -> Any:
        answer = http.post(path, json=body, params=params)
        answer.raise_for_status()
        return answer.json()

    def leads_to(**wanted: Any) -> None:
        """The last retrain tells these numbers."""
        wait_until(lambda: wanted.items() <= {**retrained(backend, project)}.items())

    leads_to(labels={"disaster": 2, "other": 2})
    task = next(free)
    made = post(f"/api/tasks/{task}/annotations/", {"result": choice("other")})["id"]
    leads_to(labels={"disaster": 2, "other": 3})
    http.patch(f"/api/annotations/{made}/", json={"result": choice("disaster")}).raise_for_status()
    leads_to(labels={"disaster": 3, "other": 2})
    http.delete(f"/api/annotations/{made}/").raise_for_status()
    leads_to(labels={"disaster": 2, "other": 2}, waiting=16)

    skipped = post(f"/api/tasks/{task}/annotations/", {"result": choice("other"), "was_cancelled": True})[
        "id"
    ]
    http.patch(f"/api/annotations/{skipped}/", json={"was_cancelled": False}).raise_for_status()
    leads_to(labels={"disaster": 2, "other": 3})

    two = list(scores(project))[:2]
    body = {"selectedItems": {"all": False, "included": two}, "model_version": project.model_version()}
    post("/api/dm/actions", body, id="predictions_to_annotations", project=project.id)
    leads_to(trained_on=7)

    imported = [{"data": {"text": TEXTS[100]}, "annotations": [{"result": choice("disaster")}]}]
    post(f"/api/projects/{project.id}/import", imported)
    leads_to(trained_on=8, tasks=21)
    http.delete(f"/api/tasks/{task}/").raise_for_status()
    leads_to(trained_on=7, tasks=20)

    version = project.model_version()
    model = connection(label_studio, project)
    http.post(f"/api/ml/{model['id']}/train", json={}).raise_for_status()
    project.wait_for_version_after(version, backend.supervisor.check)
    job = {"job": f"retrain-{project.id}"}
    wait_until(lambda: httpx.get(f"{backend.url}/job_status", params=job).json()["status"] == "finished")
    assert httpx.post(f"{backend.url}/job_status", json=job).json()["result"]["trained_on"] == 7
    assert httpx.post(f"{backend.url}/job_status", json={"job": "retrain-0"}).status_code == 410


def test_a_class_is_renamed_in_the_middle_of_labelling(
    label_studio: LabelStudioServer, backend: RunningBackend
) -> None:
    http = label_studio.admin.http
    project = DemoProject(http, "rename", ["disaster", "other", "sport"], TEXTS[:30])
    for i, label in enumerate(["disaster", "other", "sport"] * 2):
        annotate(label_studio, project.task_ids[i], label)
    project.connect(backend.url)
    before = project.wait_for_version_after("", backend.supervisor.check)

    renamed = label_config(["disaster", "unrelated", "sport", "weather"])
    http.patch(f"/api/projects/{project.id}/", json={"label_config": renamed}).raise_for_status()
    after = project.wait_for_version_after(before, backend.supervisor.check)
    wait_until(lambda: retrained(backend, project)["model_version"] == after)
    assert retrained(backend, project)["labels"] == {"disaster": 2, "sport": 2}

    served = follow_queue(label_studio, project)
    assert served["predictions"][0]["model_version"] == after
    told = http.get("/api/predictions", params={"project": project.id}).json()
    shown = {p["result"][0]["value"]["choices"][0] for p in told if p["model_version"] == after}
    assert shown <= {"disaster", "unrelated", "sport", "weather"}
    old = {"project": project.id, "tasks": [served], "model_version": before}
    for config, known in ((renamed, False), (project.label_config, True)):
        answer = httpx.post(f"{backend.url}/predict", json={**old, "label_config": config}).json()["results"]
        assert bool(answer) == known  # never a class of the old config for the new one

    annotate(label_studio, served["id"], "unrelated")
    wait_until(lambda: retrained(backend, project)["labels"] == {"disaster": 2, "sport": 2, "unrelated": 1})
    # Nothing left to learn, then something again.
    number = '<View><Text name="text" value="$text"/><DateTime name="r" toName="text"/></View>'
    other = new_project(label_studio, "tag", TEXTS[:10])
    other.connect(backend.url)
    first = other.wait_for_version_after("", backend.supervisor.check)
    http.patch(f"/api/projects/{other.id}/", json={"label_config": number}).raise_for_status()
    wait_until(lambda: "asks for <DateTime" in retrained(backend, other).get("reason", ""))
    assert http.get(f"/api/tasks/{other.task_ids[0]}/").status_code == 200
    http.patch(
        f"/api/projects/{other.id}/", json={"label_config": label_config(["a", "b"])}
    ).raise_for_status()
    other.wait_for_version_after(first, backend.supervisor.check)


def test_what_settings_pages_do_to_the_version_is_mended_at_once(
    label_studio: LabelStudioServer, backend: RunningBackend
) -> None:
    project = trained_project(label_studio, backend, "by webhook", texts=20)
    http, old = label_studio.admin.http, project.model_version()
    http.post(f"{backend.url}/train", json={"project": project.id}).raise_for_status()
    version = project.wait_for_version_after(old, backend.supervisor.check)
    for put_back in (old, ""):
        body = {"model_version": put_back}
        http.patch(f"/api/projects/{project.id}/", json=body).raise_for_status()
        wait_until(lambda: project.model_version() == version)


def test_all_roads_to_predict(label_studio: LabelStudioServer, backend: RunningBackend) -> None:
    http = label_studio.admin.http
    project = trained_project(label_studio, backend, "roads", texts=30)
    version, published = project.model_version(), scores(project)
    model = connection(label_studio, project)
    unseen = [task for task in project.task_ids if task not in published]

    page = http.get(f"/api/tasks/{unseen[-1]}/").json()  # a task page asks while it is built
    assert [p["model_version"] for p in page["predictions"]] == [version]
    everything = {"selectedItems": {"all": True, "excluded": []}}
    batch = {"id": "retrieve_tasks_predictions", "project": project.id}
    http.post("/api/dm/actions", params=batch, json=everything).raise_for_status()
    assert set(scores(project)) == set(project.task_ids)  # each once, no two at one place
    assert published.items() <= scores(project).items()

    tested = http.post(f"/api/ml/{model['id']}/predict/test", params={"random": "true"})
    assert tested.json()["response"][0]["model_version"] == version
    interactive = {"url": backend.url, "project": project.id, "is_interactive": True}
    http.patch(f"/api/ml/{model['id']}", json=interactive).raise_for_status()
    context = {"task": unseen[0], "context": {"result": choice("other")}}
    answer = http.post(f"/api/ml/{model['id']}/interactive-annotating", json=context).json()
    assert answer["data"]["model_version"] == version, answer
    assert version in http.get(f"/api/ml/{model['id']}/versions").json()["versions"]
    unknown = {"project": project.id, "tasks": [], "model_version": "atlas-999999"}
    assert httpx.post(f"{backend.url}/predict", json=unknown).status_code == 404

    weights = next((backend.data_dir / "projects" / str(project.id)).glob("versions/*/model.safetensors"))
    sound = weights.read_bytes()
    weights.write_bytes(b"x")
    late = http.post(
        f"/api/projects/{project.id}/import?return_task_ids=true", json=[{"data": {"text": "?"}}]
    )
    assert http.get(f"/api/tasks/{late.json()['task_ids'][0]}/").status_code == 200
    weights.write_bytes(sound)


def test_three_annotators_with_overlap_two_follow_the_order(
    label_studio: LabelStudioServer, backend: RunningBackend
) -> None:
    project = new_project(label_studio, "team", TEXTS[:40])
    http = label_studio.admin.http
    http.patch(f"/api/projects/{project.id}/", json={"maximum_annotations": 2}).raise_for_status()
    project.connect(backend.url)
    project.wait_for_version_after("", backend.supervisor.check)
    team = [label_studio.sign_up(f"annotator{i}-{project.id}") for i in range(3)]
    by: dict[int, set[str]] = {}
    label_of = dict(zip(project.task_ids, ["disaster", "other"] * 20, strict=True))
    in_order = 0
    for turn in range(36):
        who = team[turn % 3]
        version, places = project.model_version(), scores(project)
        served = follow_queue(label_studio, project, who.http)
        begun = [task for task, whose in by.items() if len(whose) == 1 and who.email not in whose]
        if begun:  # Label Studio finishes what others began first
            assert served["id"] in begun
        elif project.model_version() == version:
            in_order += 1
            untouched = {task: place for task, place in places.items() if task not in by}
            assert served["id"] == min(untouched, key=lambda task: untouched[task])
        by.setdefault(served["id"], set()).add(who.email)
        body = {"result": choice(label_of[served["id"]])}
        who.http.post(f"/api/tasks/{served['id']}/annotations/", json=body).raise_for_status()
    assert in_order >= 5
    assert all(len(whose) <= 2 for whose in by.values())
    finished = sum(len(whose) == 2 for whose in by.values())
    wait_until(lambda: retrained(backend, project)["trained_on"] == len(by))
    assert finished >= 15


def test_disagreement_is_not_trained_on_until_it_is_settled(
    label_studio: LabelStudioServer, backend: RunningBackend
) -> None:
    project = trained_project(label_studio, backend, "disagreement", texts=20)
    http = label_studio.admin.http
    http.patch(f"/api/projects/{project.id}/", json={"maximum_annotations": 2}).raise_for_status()
    other = label_studio.sign_up(f"other-{project.id}")
    task = next(iter(scores(project)))
    annotate(label_studio, task, "other")
    wait_until(lambda: retrained(backend, project)["trained_on"] == 5)
    body = {"result": choice("disaster")}
    made = other.http.post(f"/api/tasks/{task}/annotations/", json=body).json()["id"]
    wait_until(lambda: retrained(backend, project)["trained_on"] == 4)
    http.patch(f"/api/annotations/{made}/", json={"ground_truth": True}).raise_for_status()
    wait_until(lambda: retrained(backend, project)["labels"] == {"disaster": 3, "other": 2})
