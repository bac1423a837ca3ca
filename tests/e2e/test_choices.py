"""Every kind of choice that is learned, in the shapes Label Studio stores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backend.demo.label_studio import LabelStudioServer
from tests.conftest import RunningBackend, backends
from tests.e2e.steps import wait_until

CHOICES = '<Choices name="c" toName="o"><Choice value="Yes" alias="y"/><Choice value="No"/></Choices>'
MULTIPLE = CHOICES.replace('toName="o"', 'toName="o" choice="multiple"')
TAXONOMY = '<Taxonomy name="c" toName="o"><Choice value="y"/><Choice value="No"/></Taxonomy>'
DYNAMIC = '<Choices name="c" toName="o" value="$options"/>'
OPTIONS = [{"value": "y"}, {"value": "No"}]
TEXTS = [f"{'rain and storm' if i % 2 else 'cup and league'} in town {i}" for i in range(12)]


@pytest.fixture(scope="module")
def backend(
    label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningBackend]:
    with backends(label_studio, tmp_path_factory.mktemp("choices")) as start:
        yield start(RETRAIN_EVERY="1")


@pytest.mark.parametrize(
    ("source", "control", "data"),
    [
        ('<HyperText name="o" value="$item.body"/>', CHOICES, lambda t: {"item": {"body": f"<b>{t}</b>"}}),
        ('<Text name="o" value="$any name"/>', TAXONOMY, lambda t: {"any name": t}),
        (
            '<Paragraphs name="o" value="$talk" nameKey="who" textKey="said"/>',
            CHOICES,
            lambda t: {"talk": [{"who": "a", "said": t}, {"who": "b", "said": "?"}]},
        ),
        ('<Text name="o" value="$text"/>', DYNAMIC, lambda t: {"text": t, "options": OPTIONS}),
        ('<Text name="o" value="$text"/>', MULTIPLE, lambda t: {"text": t}),
    ],
    ids=["alias on nested HyperText", "Taxonomy", "Paragraphs", "dynamic choices", "several choices"],
)
def test_it_is_learned_and_predicted(
    label_studio: LabelStudioServer, backend: RunningBackend, source: str, control: str, data: Any
) -> None:
    http = label_studio.admin.http
    config = {"title": "choices", "label_config": f"<View>{source}{control}</View>"}
    project = http.post("/api/projects", json=config).json()["id"]
    kind = "taxonomy" if control == TAXONOMY else "choices"

    def region(label: str) -> dict[str, Any]:
        chosen = ["No", "y"] if control == MULTIPLE and label == "y" else [label]
        value = {kind: [chosen] if kind == "taxonomy" else chosen}
        return {"from_name": "c", "to_name": "o", "type": kind, "value": value}

    tasks = [{"data": data(text)} for text in TEXTS]
    for i in range(6):
        tasks[i]["annotations"] = [{"result": [region("y" if i % 2 else "No")]}]
    answer = http.post(f"/api/projects/{project}/import?return_task_ids=true", json=tasks)
    ids = answer.json()["task_ids"]
    http.post("/api/ml", json={"project": project, "url": backend.url, "title": "a"}).raise_for_status()

    wait_until(
        lambda: (http.get(f"/api/projects/{project}/").json()["model_version"] or "").startswith("atlas")
    )
    told = {p["task"]: p["result"] for p in http.get("/api/predictions", params={"project": project}).json()}
    assert set(told) == set(ids[6:])
    right = 0
    for i, task in enumerate(ids[6:], start=6):
        (shown,) = told[task]
        assert {**region("y"), "value": shown["value"]}.items() <= shown.items()
        right += shown["value"] == region("y" if i % 2 else "No")["value"]
    assert right >= 5


def test_all_controls_of_a_config_are_predicted_and_the_first_orders_the_queue(
    label_studio: LabelStudioServer, backend: RunningBackend
) -> None:
    http = label_studio.admin.http
    topic = '<Choices name="topic" toName="o"><Choice value="weather"/><Choice value="sport"/></Choices>'
    words = (
        '<Choices name="words" toName="o" choice="multiple"><Choice value="rain"/>'
        '<Choice value="cup"/><Choice value="town"/></Choices>'
    )
    text = '<Text name="o" value="$text"/>'
    config = {"title": "several", "label_config": f"<View>{text}{topic}{words}</View>"}
    project = http.post("/api/projects", json=config).json()["id"]

    def region(name: str, chosen: list[str]) -> dict[str, Any]:
        return {"from_name": name, "to_name": "o", "type": "choices", "value": {"choices": chosen}}

    def truth(i: int) -> list[dict[str, Any]]:
        wet = i % 2 == 1
        return [
            region("topic", ["weather" if wet else "sport"]),
            region("words", ["rain", "town"] if wet else ["cup"]),
        ]

    tasks: list[dict[str, Any]] = [{"data": {"text": text}} for text in TEXTS]
    for i in range(6):
        tasks[i]["annotations"] = [{"result": truth(i)}]
    answer = http.post(f"/api/projects/{project}/import?return_task_ids=true", json=tasks)
    ids = answer.json()["task_ids"]
    http.post("/api/ml", json={"project": project, "url": backend.url, "title": "a"}).raise_for_status()
    address = f"/api/projects/{project}/"
    wait_until(lambda: (http.get(address).json()["model_version"] or "").startswith("atlas"))
    told = {p["task"]: p["result"] for p in http.get("/api/predictions", params={"project": project}).json()}
    assert set(told) == set(ids[6:])
    for i, task in enumerate(ids[6:], start=6):
        shown = {item["from_name"]: set(item["value"]["choices"]) for item in told[task]}
        assert shown == {item["from_name"]: set(item["value"]["choices"]) for item in truth(i)}
