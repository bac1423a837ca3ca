"""Every kind of choice that is learned, in the shapes Label Studio stores."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import httpx
import pytest

from backend.demo.label_studio import LabelStudioServer
from tests.conftest import RunningBackend
from tests.e2e.steps import wait_until

CHOICES = '<Choices name="c" toName="o"><Choice value="Yes" alias="y"/><Choice value="No"/></Choices>'
MULTIPLE = CHOICES.replace('toName="o"', 'toName="o" choice="multiple"')
TAXONOMY = '<Taxonomy name="c" toName="o"><Choice value="y"/><Choice value="No"/></Taxonomy>'
DYNAMIC = '<Choices name="c" toName="o" value="$options"/>'
DYNAMIC_MULTIPLE = DYNAMIC.replace("/>", ' choice="multiple"/>')
DYNAMIC_TAXONOMY = '<Taxonomy name="c" toName="o" value="$options"/>'
OPTIONS = [{"value": "y"}, {"value": "No"}]
TEXTS = [f"{'rain and storm' if i % 2 else 'cup and league'} in town {i}" for i in range(12)]

Picks = tuple[list[str], list[str]]
"""What annotators choose for a wet text, and for another."""


BACKEND = {"RETRAIN_EVERY": "1"}


TEXT = '<Text name="o" value="$text"/>'
PARAGRAPHS = '<Paragraphs name="o" value="$talk" nameKey="who" textKey="said"/>'
ONE: Picks = (["y"], ["No"])
TWO: Picks = (["No", "y"], ["No"])
NONE: Picks = (["y"], [])


@pytest.mark.parametrize(
    ("source", "control", "data", "picks"),
    [
        (
            '<HyperText name="o" value="$item.body"/>',
            CHOICES,
            lambda t: {"item": {"body": f"<b>{t}</b>"}},
            ONE,
        ),
        ('<Text name="o" value="$any name"/>', TAXONOMY, lambda t: {"any name": t}, ONE),
        (TEXT, TAXONOMY, lambda t: {"text": t}, TWO),
        (TEXT, TAXONOMY, lambda t: {"text": t}, NONE),
        (
            PARAGRAPHS,
            CHOICES,
            lambda t: {"talk": [{"who": "a", "said": t}, {"who": "b", "said": "?"}]},
            ONE,
        ),
        (TEXT, DYNAMIC, lambda t: {"text": t, "options": OPTIONS}, ONE),
        (TEXT, DYNAMIC_MULTIPLE, lambda t: {"text": t, "options": OPTIONS}, TWO),
        (TEXT, DYNAMIC_TAXONOMY, lambda t: {"text": t, "options": OPTIONS}, TWO),
        (TEXT, MULTIPLE, lambda t: {"text": t}, TWO),
        (TEXT, MULTIPLE, lambda t: {"text": t}, NONE),
        ('<Text name="o" value="Message: $body"/>', CHOICES, lambda t: {"body": t}, ONE),
        ('<Text name="o" value="$says[0].content"/>', CHOICES, lambda t: {"says": [{"content": t}]}, ONE),
        (
            '<Text name="o" value="$text" encoding="base64"/>',
            CHOICES,
            lambda t: {"text": b64encode(t.encode()).decode()},
            ONE,
        ),
        (
            '<HyperText name="o" value="$html"/>',
            CHOICES,
            lambda t: {"html": f"<style>{'p {color: red} ' * 2000}</style><p>{t}</p>"},
            ONE,
        ),
    ],
    ids=[
        "alias on nested HyperText",
        "Taxonomy",
        "Taxonomy, several",
        "Taxonomy, none",
        "Paragraphs",
        "dynamic choices",
        "dynamic choices, several",
        "dynamic Taxonomy",
        "several choices",
        "several choices, none",
        "a value of words and a field",
        "an item of a list",
        "base64",
        "HyperText with a long style",
    ],
)
def test_it_is_learned_and_predicted(
    label_studio: LabelStudioServer,
    backend: RunningBackend,
    source: str,
    control: str,
    data: Any,
    picks: Picks,
) -> None:
    http = label_studio.admin.http
    config = {"title": "choices", "label_config": f"<View>{source}{control}</View>"}
    project = http.post("/api/projects", json=config).json()["id"]
    kind = "taxonomy" if "Taxonomy" in control else "choices"

    def truth(i: int) -> list[dict[str, Any]]:
        """What is submitted: no region where nothing is picked."""
        chosen = picks[0] if i % 2 else picks[1]
        value = {kind: [[each] for each in chosen] if kind == "taxonomy" else chosen}
        return [{"from_name": "c", "to_name": "o", "type": kind, "value": value}] if chosen else []

    tasks = [{"data": data(text)} for text in TEXTS]
    answer = http.post(f"/api/projects/{project}/import?return_task_ids=true", json=tasks)
    ids = answer.json()["task_ids"]
    for i, task in enumerate(ids[:6]):
        http.post(f"/api/tasks/{task}/annotations/", json={"result": truth(i)}).raise_for_status()
    http.post("/api/ml", json={"project": project, "url": backend.url, "title": "a"}).raise_for_status()

    wait_until(
        lambda: (http.get(f"/api/projects/{project}/").json()["model_version"] or "").startswith("atlas")
    )
    several = control not in (CHOICES, DYNAMIC)
    targets = [json.dumps(sorted(each)) if several else each[0] for each in picks]
    job = {"job": f"retrain-{project}"}
    wait_until(lambda: httpx.get(f"{backend.url}/job_status", params=job).json()["status"] == "finished")
    done = httpx.get(f"{backend.url}/job_status", params=job).json()["result"]
    assert done["labels"] == dict.fromkeys(targets, 3)
    told = {p["task"]: p["result"] for p in http.get("/api/predictions", params={"project": project}).json()}
    assert set(told) == set(ids[6:])
    right = 0
    for i, task in enumerate(ids[6:], start=6):
        assert all({"from_name": "c", "to_name": "o", "type": kind}.items() <= r.items() for r in told[task])
        right += [region["value"] for region in told[task]] == [region["value"] for region in truth(i)]
        assert http.get(f"/api/tasks/{task}/").status_code == 200
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
