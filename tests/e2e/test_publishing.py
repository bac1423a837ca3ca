"""What Label Studio does with a head it does not like, and what we make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backend.controls.config import parse_label_config
from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from backend.errors import AccessDenied, NotFound, Unreachable
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.publishing import HeadChanged, extend_head, import_head, prediction
from backend.model import ActiveTransferModel
from tests.conftest import RunningBackend


@pytest.fixture(scope="module")  # a user has one personal access token at a time
def client(label_studio: LabelStudioServer) -> Iterator[LabelStudioClient]:
    with LabelStudioClient(label_studio.url, label_studio.access_token()) as client:
        yield client


@pytest.fixture
def project(label_studio: LabelStudioServer) -> DemoProject:
    return DemoProject(label_studio.admin.http, "publishing", ["a", "b"], ["one", "two", "three"])


def head(project: DemoProject, version: str, label: str = "a") -> list[dict[str, Any]]:
    scheme = parse_label_config(project.label_config)
    return [
        {"task": task, **prediction(version, (i + 0.5) / 3, scheme.main.regions(label, 0.9))}
        for i, task in enumerate(project.task_ids)
    ]


def test_a_task_deleted_meanwhile_leaves_the_order_as_it_was(
    label_studio: LabelStudioServer, client: LabelStudioClient, project: DemoProject
) -> None:
    import_head(client, client.project(project.id), "atlas-000001", head(project, "atlas-000001"))
    client.publish(project.id, "atlas-000001", set_sampling=True)
    label_studio.admin.http.delete(f"/api/tasks/{project.task_ids[1]}/").raise_for_status()
    with pytest.raises(HeadChanged):
        import_head(client, client.project(project.id), "atlas-000002", head(project, "atlas-000002"))
    assert project.model_version() == "atlas-000001"
    assert not project.predictions("atlas-000002")


def test_predictions_dropped_without_a_word_are_noticed(
    client: LabelStudioClient, project: DemoProject
) -> None:
    version = "atlas-000001"
    one, *others = head(project, version)
    with pytest.raises(HeadChanged, match="kept 1 of 3"):
        import_head(client, client.project(project.id), version, [one, *head(project, version, "gone")[1:]])
    assert not project.predictions(version)

    import_head(client, client.project(project.id), version, [one])
    with pytest.raises(HeadChanged, match="kept 0 of 2"):
        extend_head(client, client.project(project.id), head(project, version, "gone")[1:])
    assert [item.task for item in project.predictions(version)] == [one["task"]]  # what orders now stays
    extend_head(client, client.project(project.id), others)
    assert [item.task for item in project.predictions(version)] == project.task_ids


@pytest.mark.parametrize(
    "wrong",
    [
        {"score": 17},
        {"score": -0.1},
        {"region": {"from_name": "gone"}},
        {"region": {"to_name": "gone"}},
        {"region": {"type": "rating"}},
        {"region": {"value": {"choices": ["a", "gone"]}}},
        {"result": None},
    ],
    ids=str,
)
def test_whatever_label_studio_drops_is_noticed_and_the_order_stays(
    client: LabelStudioClient, project: DemoProject, wrong: dict[str, Any]
) -> None:
    import_head(client, client.project(project.id), "atlas-000001", head(project, "atlas-000001"))
    client.publish(project.id, "atlas-000001", set_sampling=True)
    bad, *good = head(project, "atlas-000002")
    if "region" in wrong:
        (region,) = bad["result"]
        bad["result"] = [{**region, **wrong["region"]}]
    else:
        bad.update(wrong)
    with pytest.raises(HeadChanged, match="kept 2 of 3"):
        import_head(client, client.project(project.id), "atlas-000002", [bad, *good])
    assert project.model_version() == "atlas-000001"
    assert not project.predictions("atlas-000002")


def test_errors_say_what_to_do(label_studio: LabelStudioServer, client: LabelStudioClient) -> None:
    with pytest.raises(NotFound):
        client.project(999_999)
    key = "0" * 40
    with LabelStudioClient(label_studio.url, key) as client, pytest.raises(AccessDenied, match="_API_KEY"):
        client.project(1)
    with LabelStudioClient("http://localhost:1", key) as client, pytest.raises(Unreachable, match="_URL"):
        client.project(1)


def test_label_studio_mls_model_class_answers_and_fits_like_our_routes(
    run_backend: Callable[..., RunningBackend],
    project: DemoProject,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = run_backend()
    project.connect(backend.url)
    version = project.wait_for_version_after("", backend.supervisor.check)
    monkeypatch.setenv("DATA_DIR", str(backend.data_dir))
    monkeypatch.setenv("REDIS_URL", backend.env["REDIS_URL"])

    model = ActiveTransferModel(label_config=project.label_config)
    tasks = [{"id": task, "project": project.id, "data": {"text": "x"}} for task in project.task_ids]
    told = {item.task: item.score for item in project.predictions(version)}
    assert [item["score"] for item in model.predict(tasks)] == [told[task] for task in project.task_ids]

    data = {"project": {"id": project.id}}
    job = {"job": f"retrain-{project.id}"}
    assert (
        model.fit((), event="START_TRAINING", data=data, job_id="1") == job
    )  # as label-studio-ml 1.0.9 calls
    version = project.wait_for_version_after(version, backend.supervisor.check)
    assert model.fit("START_TRAINING", data) == job  # as 2.x calls
    project.wait_for_version_after(version, backend.supervisor.check)
