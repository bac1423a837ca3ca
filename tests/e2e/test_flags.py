"""A Label Studio whose feature flags are set otherwise: it calls `/train`, and checks every prediction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from backend.controls.config import parse_label_config
from backend.demo.environment import install_label_studio
from backend.demo.label_studio import LabelStudioServer, free_port, start_label_studio
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.publishing import HeadChanged, import_head, prediction
from backend.running.supervisor import Supervisor
from tests.conftest import RunningBackend, backends
from tests.e2e.steps import annotate, follow_queue, tasks_of, trained_project

FLAGS = {
    "ff_back_dev_1417_start_training_mlbackend_webhooks_250122_long": "false",
    "fflag_feat_utc_210_prediction_validation_15082025": "true",
}


@pytest.fixture(scope="module")
def flagged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudioServer]:
    program = install_label_studio(Path("~/.cache/label-studio-atlas").expanduser())
    with Supervisor() as supervisor:
        directory = tmp_path_factory.mktemp("flagged")
        with start_label_studio(supervisor, program, directory, free_port(0), **FLAGS) as server:
            yield server


@pytest.fixture(scope="module")
def backend(flagged: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBackend]:
    """It retrains only when told to."""
    with backends(flagged, tmp_path_factory.mktemp("flags")) as start:
        yield start(RETRAIN_EVERY="1000", RETRAIN_WITHIN="1000", RECONCILE_EVERY="100000")


def calls(backend: RunningBackend, endpoint: str) -> int:
    """How many were answered well."""
    shown = httpx.get(f"{backend.url}/metrics").text
    counted = re.findall(rf'atlas_http_requests_total{{endpoint="{endpoint}",status="201"}} (\S+)', shown)
    return int(sum(map(float, counted)))


def test_label_studio_trains_by_its_older_route(flagged: LabelStudioServer, backend: RunningBackend) -> None:
    project = trained_project(flagged, backend, "train", texts=20)
    http = flagged.admin.http
    model = http.get("/api/ml", params={"project": project.id}).json()[0]["id"]
    first, webhooks = project.model_version(), calls(backend, "webhook")
    http.post(f"/api/ml/{model}/train", json={}).raise_for_status()
    second = project.wait_for_version_after(first, backend.supervisor.check)
    assert calls(backend, "train") == 1
    # "Start model training on annotation submission": within the annotator's request.
    http.patch(f"/api/projects/{project.id}/", json={"min_annotations_to_start_training": 1})
    annotate(flagged, tasks_of(project, "other")[3], "other")
    project.wait_for_version_after(second, backend.supervisor.check)
    assert calls(backend, "train") == 2
    assert calls(backend, "webhook") > webhooks  # the annotation itself came as ever
    job = {"job": f"retrain-{project.id}"}
    assert httpx.get(f"{backend.url}/job_status", params=job).json()["status"] != "failed"


def test_what_is_published_and_answered_stands_up_to_label_studios_own_check(
    flagged: LabelStudioServer, backend: RunningBackend
) -> None:
    project = trained_project(flagged, backend, "checked", texts=20)
    version, http = project.model_version(), flagged.admin.http
    assert [item["model_version"] for item in follow_queue(flagged, project)["predictions"]] == [version]
    new = [{"data": {"text": "a flood"}}]
    late = http.post(f"/api/projects/{project.id}/import?return_task_ids=true", json=new).json()["task_ids"]
    page = http.get(f"/api/tasks/{late[0]}/")  # asks for a prediction while it is built
    assert page.status_code == 200
    assert page.json()["predictions"]

    client = LabelStudioClient(flagged.url, flagged.admin.http.headers["Authorization"].split()[1])
    control = parse_label_config(project.label_config).main
    unknown = {**control.regions(control.classes[0], 0.9)[0], "value": {"choices": ["gone"]}}
    wrong = [{"task": project.task_ids[9], **prediction("atlas-000900", 0.5, [unknown])}]
    with client, pytest.raises(HeadChanged, match="refused"):
        import_head(client, client.project(project.id), "atlas-000900", wrong)
    assert not project.predictions("atlas-000900")
    assert project.model_version() == version
