"""Predictions of every kind of answer are kept by a real Label Studio, and read back as what they say."""

from __future__ import annotations

import httpx
import pytest

from backend.controls.config import parse_label_config
from backend.demo.label_studio import LabelStudioServer
from backend.labelstudio.client import LabelStudioClient
from tests.e2e.published import made, publish, submitted
from tests.unit.test_controls import OPTIONS, Case, each_control

TEXT = '<Text name="t" value="$text"/>'
IMAGE = '<Image name="t" value="$image"/>'
TWO_TEXTS = f'{TEXT}<Text name="u" value="$more"/>'


def assert_kept(client: LabelStudioClient, http: httpx.Client, xml: str, answers: tuple[str, ...]) -> None:
    """A task for each answer: its prediction comes back as it was sent, and what an annotator submits of it
    unchanged is read as that answer."""
    # Choices, where the config takes them from the tasks.
    offered = [{"value": value} for value in ("tea", "rice", "fish")]
    row = {"more": "more", "o": offered}
    rows = [{**row, "text": f"text {i}", "image": f"/{i}.png"} for i in range(len(answers))]
    project, tasks = made(http, "answers", xml, rows)
    control = parse_label_config(xml).with_classes({"c": answers * 2}).main
    told = dict(zip(tasks, answers, strict=True))
    sent = {task: control.regions(answer, 0.9) for task, answer in told.items()}
    publish(client, project, sent)
    kept = http.get("/api/predictions/", params={"task__project": project}).json()
    assert {each["task"]: each["result"] for each in kept} == sent
    for task, answer in told.items():
        assert control.read(submitted(http, task, sent[task])) == answer


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
