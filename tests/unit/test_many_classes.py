"""Thousands of choices: an answer grows with the tasks, not with tasks times choices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from flask.testing import FlaskClient

from backend import guessing
from backend.controls.base import CLASSES
from backend.controls.config import parse_label_config
from backend.guessing import LIKELIEST
from backend.learning.network import LayeredNetwork, Shape
from backend.said import whole
from backend.said.base import Contents
from backend.settings import Settings
from backend.store.locations import feature_cache, version_store
from backend.store.model_version import ControlModel, ModelVersion, version_name
from backend.web import create_app
from tests.unit.schemes import scheme as scheme_of
from tests.unit.schemes import several

CHOICES = 2000
CONFIG = (
    '<View><Text name="t" value="$text"/><Choices name="c" toName="t">'
    + "".join(f'<Choice value="choice number {i}"/>' for i in range(CHOICES))
    + "</Choices></View>"
)
TASKS = [{"id": i, "data": {"text": f"text number {i}"}} for i in range(20)]


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """Of a backend whose project 1 has a published model of 2,000 choices."""
    settings = Settings(data_dir=tmp_path, redis_url="redis://localhost:1")
    _, encoder = feature_cache(settings, 1).encode([task["data"]["text"] for task in TASKS])
    scheme = parse_label_config(CONFIG)
    version = ModelVersion(
        version_name(1),
        scheme,
        "margin",
        encoder,
        (ControlModel(scheme.main, {CLASSES: LayeredNetwork(Shape(256, CHOICES), seed=1)}),),
        None,
        torch.arange(9),
        torch.zeros(0),
    )
    version_store(settings, 1).save(version)
    version_store(settings, 1).set_published(version.name)
    return create_app(settings).test_client()


def ask(client: FlaskClient, **more: Any) -> list[dict[str, Any]]:
    body = {"project": "1.1", "tasks": TASKS, "label_config": CONFIG, **more}
    results: list[dict[str, Any]] = client.post("/predict", json=body).get_json()["results"]
    assert len(results) == len(TASKS)
    return results


def test_of_thousands_of_choices_the_likeliest_few_are_told(client: FlaskClient) -> None:
    results = ask(client)
    assert all(len(each["probabilities"]["c"]) == LIKELIEST for each in results)
    assert len(json.dumps(results)) / len(TASKS) < 1000
    for each in results:
        likely = each["probabilities"]["c"]
        assert likely[each["result"][0]["value"]["choices"][0]] == max(likely.values())


@pytest.mark.parametrize("where", [{"probabilities": "all"}, {"params": {"probabilities": "all"}}])
def test_a_script_that_asks_gets_the_probabilities_of_all_choices(
    client: FlaskClient, where: dict[str, Any]
) -> None:
    for each, few in zip(ask(client, **where), ask(client), strict=True):
        likely = each["probabilities"]["c"]
        assert len(likely) == CHOICES
        assert sum(likely.values()) == pytest.approx(1, abs=0.1)  # each is rounded
        assert few["probabilities"]["c"].items() <= likely.items()
        assert min(few["probabilities"]["c"].values()) >= sorted(likely.values())[-LIKELIEST]


def test_any_other_wish_is_refused_with_what_may_be_asked(client: FlaskClient) -> None:
    answer = client.post("/predict", json={"project": "1.1", "tasks": [], "probabilities": 7})
    assert answer.status_code == 400
    assert '"all"' in answer.get_json()["error"]


def test_each_of_two_networks_is_asked_once_for_several_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that orders the queue, and one by which is shown what; for guesses and for likelihoods alike."""
    sets = several("c", ("a", "b"), '["a"]', '["b"]')
    networks = {CLASSES: LayeredNetwork(Shape(4, 2)), sets.shows: LayeredNetwork(Shape(4, 2), seed=1)}
    nothing = torch.zeros(0)
    version = ModelVersion(
        *(version_name(1), scheme_of(sets), "margin", "", (ControlModel(sets, networks),), None),
        *(nothing.long(), nothing),
    )
    asked: list[LayeredNetwork] = []
    real = whole.outputs
    monkeypatch.setattr(whole, "outputs", lambda *args: asked.append(args[0]) or real(*args))
    said = guessing.outputs_of(version, Contents([""] * 5, torch.randn(5, 4)))
    assert len(guessing.regions(version, said, 5)) == len(guessing.probabilities(said, 5, most=None)) == 5
    assert asked == list(networks.values())


def test_a_network_is_asked_once_per_request(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(*args: Any) -> Any:
        asked.append(args)
        return real(*args)

    real = whole.outputs
    monkeypatch.setattr(whole, "outputs", counted)
    ask(client)
    assert len(asked) == 1
