"""Predictions of every kind of answer are kept by a real Label Studio, and read back as what they say; its
editor shows them, and what is submitted there unchanged says the same."""

from __future__ import annotations

import httpx
import pytest

from backend.controls.config import parse_label_config
from backend.demo.label_studio import LabelStudioServer
from backend.labelstudio.client import LabelStudioClient
from tests.browser import Browser
from tests.e2e.editor import OPENED, open_task, submit
from tests.e2e.published import VERSION, made, publish, submitted
from tests.unit.test_controls import CASES, OPTIONS, Case, control_of, each_control

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


def test_each_comes_back_the_same_from_the_editor_when_it_is_submitted_unchanged(
    label_studio: LabelStudioServer, client: LabelStudioClient, chromium: Browser
) -> None:
    """On one page: a control of each."""
    names = [f"c{i}" for i in range(len(CASES))]
    objects = f'{TEXT}<Text name="u" value="$more"/>'
    tags = [tag.replace('<Text name="u" value="$more"/>', "") for _, tag, _ in CASES]
    asked = "".join(tag.replace('name="c"', f'name="{n}"') for n, tag in zip(names, tags, strict=True))
    row = {"text": "one", "more": "two", "o": [{"value": value} for value in ("tea", "rice", "fish")]}
    project, tasks = made(label_studio.admin.http, "answers", f"<View>{objects}{asked}</View>", [row] * 2)
    controls = dict(zip(names, map(control_of, CASES), strict=True))
    said = {
        task: {name: case[2][at] for name, case in zip(names, CASES, strict=True)}
        for at, task in enumerate(tasks)
    }
    sent = {
        task: [
            {**region, "from_name": name}
            for name, answer in answers.items()
            for region in controls[name].regions(answer, 0.9)
        ]
        for task, answers in said.items()
    }
    publish(client, project, sent)
    shown = {"model_version": VERSION}
    label_studio.admin.http.patch(f"/api/projects/{project}/", json=shown).raise_for_status()
    for task, answers in said.items():
        open_task(chromium, label_studio, project, task)
        chromium.wait(OPENED, task)
        result = submit(chromium, label_studio, task)
        for name, answer in answers.items():
            mine = [{**each, "from_name": "c"} for each in result if each["from_name"] == name]
            assert controls[name].read(mine) == answer, name
        assert {each["origin"] for each in result} == {"prediction"}
