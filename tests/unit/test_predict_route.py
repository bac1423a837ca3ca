"""What /predict makes of what a script leaves out, and of one task that is too much."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from backend.controls.scheme import LabelScheme
from backend.jobs.dispatch import Dispatcher
from backend.predicting import Predictor
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.web import create_app
from tests.unit.test_web import CONFIG


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with Supervisor() as supervisor:
        url = start_redis(supervisor, tmp_path / "redis", dict(os.environ))
        yield Settings(redis_url=url, max_text_chars=1000)


@pytest.fixture
def client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Of a backend whose model guesses what it was asked about."""

    def predict(
        predictor: Predictor, project_id: int, scheme: LabelScheme, tasks: Sequence[Any], *more: object
    ) -> list[dict[str, Any]]:
        return [{"result": [scheme.main.from_name, task.get("data")]} for task in tasks]

    monkeypatch.setattr(Predictor, "predict", predict)
    return create_app(settings).test_client()


def task(number: int, text: str) -> dict[str, Any]:
    return {"id": number, "data": {"text": text}}


def test_one_text_that_is_too_long_is_refused_alone(client: FlaskClient) -> None:
    """Label Studio leaves out a task whose answer has no `result`, and keeps the others."""
    tasks = [task(1, "short"), task(2, "x" * 1001), task(3, "short too")]
    answer = client.post("/predict", json={"project": "1.1", "label_config": CONFIG, "tasks": tasks})
    first, second, third = answer.get_json()["results"]
    assert (first["result"][1], third["result"][1]) == ({"text": "short"}, {"text": "short too"})
    assert second == {"error": "The text of task 2 is longer than MAX_TEXT_CHARS=1000 characters."}
    alone = client.post("/predict", json={"project": "1.1", "label_config": CONFIG, "tasks": tasks[1:2]})
    assert (alone.status_code, "text of task 2" in alone.get_json()["error"]) == (413, True)


def test_without_a_label_config_the_one_last_learned_from_counts(
    client: FlaskClient, settings: Settings
) -> None:
    asked = {"project": 1, "tasks": [task(1, "short")]}
    answer = client.post("/predict", json=asked)
    assert (answer.status_code, '"label_config"' in answer.get_json()["error"]) == (400, True)
    Dispatcher.from_settings(settings).state(1).label_config = CONFIG
    assert client.post("/predict", json=asked).get_json()["results"][0]["result"][1] == {"text": "short"}
