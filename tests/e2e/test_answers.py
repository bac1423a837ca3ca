"""Predictions of every kind of answer are kept by a real Label Studio, and read back as what they say."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from backend.controls.config import parse_label_config
from backend.demo.label_studio import LabelStudioServer
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.publishing import import_head, prediction
from tests.unit.test_controls import OPTIONS, Case, each_control

VERSION = "atlas-000001"
TEXT = '<Text name="t" value="$text"/>'
IMAGE = '<Image name="t" value="$image"/>'
TWO_TEXTS = f'{TEXT}<Text name="u" value="$more"/>'


@pytest.fixture(scope="module")
def client(label_studio: LabelStudioServer) -> Iterator[LabelStudioClient]:
    key = label_studio.admin.http.headers["Authorization"].removeprefix("Token ")
    client = LabelStudioClient(label_studio.url, key)
    yield client
    client.close()


def made(http: httpx.Client, xml: str, tasks: int) -> int:
    """A project with so many tasks, which offer a choice where the config takes choices from them."""
    answer = http.post("/api/projects/", json={"title": "answers", "label_config": xml})
    answer.raise_for_status()
    project = int(answer.json()["id"])
    offered = [{"value": value} for value in ("tea", "rice", "fish")]
    rows = [{"text": f"text {i}", "more": "more", "image": f"/{i}.png", "o": offered} for i in range(tasks)]
    http.post(f"/api/projects/{project}/import", json=rows).raise_for_status()
    return project


def assert_kept(client: LabelStudioClient, http: httpx.Client, xml: str, answers: tuple[str, ...]) -> None:
    """A task for each answer: its prediction comes back as it was sent, and what an annotator submits of it
    unchanged is read as that answer."""
    project = made(http, xml, len(answers))
    control = parse_label_config(xml).with_classes({"c": answers * 2}).main
    told = dict(zip(sorted(client.task_ids(project)), answers, strict=True))
    sent = {
        task: prediction(VERSION, (place + 0.5) / len(told), control.regions(answer, 0.9))
        for place, (task, answer) in enumerate(told.items())
    }
    import_head(client, client.project(project), VERSION, [{"task": i, **each} for i, each in sent.items()])
    found = {
        each["task"]: each for each in http.get("/api/predictions/", params={"task__project": project}).json()
    }
    assert found.keys() == sent.keys()
    for task, answer in told.items():
        assert found[task]["result"] == sent[task]["result"]
        submitted = {"result": found[task]["result"], "lead_time": 1}
        http.post(f"/api/tasks/{task}/annotations/", json=submitted).raise_for_status()
        (annotation,) = http.get(f"/api/tasks/{task}/annotations/").json()
        assert control.read(annotation["result"]) == answer


@each_control
@pytest.mark.parametrize("source", [TEXT, IMAGE], ids=["text", "image"])
def test_what_is_predicted_is_kept_as_it_was_sent(
    label_studio: LabelStudioServer, client: LabelStudioClient, source: str, case: Case
) -> None:
    tags = case[1].replace('<Text name="u"', '<Image name="u"') if source == IMAGE else case[1]
    assert_kept(client, label_studio.admin.http, f"<View>{source}{tags}</View>", case[2])


def test_so_is_what_a_control_says_of_several_texts(
    label_studio: LabelStudioServer, client: LabelStudioClient
) -> None:
    several = f'<View>{TWO_TEXTS}<Choices name="c" toName="t,u">{OPTIONS}</Choices></View>'
    assert_kept(client, label_studio.admin.http, several, ("fish", "rice", "tea"))
