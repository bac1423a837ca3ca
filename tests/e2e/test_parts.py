"""Predictions of every kind of part are kept by a real Label Studio as they were sent, and read back as what
they say: what tests/e2e/test_answers.py is for answers about a whole content."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend.demo.label_studio import LabelStudioServer
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.publishing import import_head, prediction
from tests.unit.test_regions import Case, control_of, each_case, sure

VERSION = "atlas-000001"


@pytest.fixture(scope="module")
def client(label_studio: LabelStudioServer) -> Iterator[LabelStudioClient]:
    key = label_studio.admin.http.headers["Authorization"].removeprefix("Token ")
    client = LabelStudioClient(label_studio.url, key)
    yield client
    client.close()


@each_case
def test_parts_that_are_predicted_are_kept_as_they_were_sent(
    label_studio: LabelStudioServer, client: LabelStudioClient, case: Case
) -> None:
    http, control = label_studio.admin.http, control_of(case)
    content = control.source.content(case.data)
    answer = http.post("/api/projects/", json={"title": "parts", "label_config": f"<View>{case.xml}</View>"})
    answer.raise_for_status()
    project = int(answer.json()["id"])
    http.post(f"/api/projects/{project}/import", json=[case.data] * len(case.answers)).raise_for_status()
    told = dict(zip(sorted(client.task_ids(project)), case.answers, strict=True))
    sent = {}
    for place, (task, said) in enumerate(told.items()):
        regions = control.regions_of(said, sure(control, said), content)
        sent[task] = prediction(VERSION, (place + 0.5) / len(told), regions)
    import_head(client, client.project(project), VERSION, [{"task": i, **each} for i, each in sent.items()])
    kept = http.get("/api/predictions/", params={"task__project": project}).json()
    assert {each["task"]: each["result"] for each in kept} == {i: each["result"] for i, each in sent.items()}
    for each in kept:
        submitted = {"result": each["result"], "lead_time": 1}
        http.post(f"/api/tasks/{each['task']}/annotations/", json=submitted).raise_for_status()
        (annotation,) = http.get(f"/api/tasks/{each['task']}/annotations/").json()
        assert control.read(annotation["result"], content) == told[each["task"]]
