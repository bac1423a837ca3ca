"""Bounds on what one request may ask for, and what browsers are told."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.exceptions import ServiceUnavailable

from backend.labelstudio.scheme import LabelScheme
from backend.settings import Settings
from backend.web import create_app
from backend.web.headers import HEADERS
from backend.web.pressure import Slots
from tests.unit.test_web import CONFIG

SMALL = {"max_body_mb": 1, "max_tasks": 3, "max_text_chars": 1000}


@pytest.fixture
def client() -> FlaskClient:
    return create_app(Settings(redis_url="redis://localhost:1", **SMALL)).test_client()


def ask(client: FlaskClient, tasks: list[Any], config: str = CONFIG) -> tuple[int, str]:
    answer = client.post("/predict", json={"project": "1.1", "tasks": tasks, "label_config": config})
    return answer.status_code, str(answer.get_json())


def test_what_lies_within_the_bounds_is_answered(client: FlaskClient) -> None:
    assert ask(client, [{"id": 1, "data": {"text": "x" * 1000}}] * 3)[0] == 200


@pytest.mark.parametrize(
    ("tasks", "config", "reason"),
    [
        ([{"id": 1, "data": {"text": "x"}}] * 4, CONFIG, "MAX_TASKS=3"),
        ([{"id": 71, "data": {"text": "x" * 1001}}], CONFIG, "text of task 71"),
        ([], CONFIG + " " * 1000, "MAX_TEXT_CHARS=1000"),
        ([{"data": {"other": "x" * 2**20}}], CONFIG, "MAX_BODY_MB"),
    ],
)
def test_what_goes_beyond_a_bound_is_413_and_says_which(
    client: FlaskClient, tasks: list[Any], config: str, reason: str
) -> None:
    status, told = ask(client, tasks, config)
    assert status == 413
    assert reason in told


@pytest.mark.parametrize("path", ["/setup", "/webhook", "/train", "/job_status", "/versions"])
def test_no_route_reads_a_body_that_is_too_large(client: FlaskClient, path: str) -> None:
    answer = client.post(path, data=b'{"x": "' + b"x" * 2**20 + b'"}')
    assert (answer.status_code, "MAX_BODY_MB" in answer.get_json()["error"]) == (413, True)


def test_a_label_config_that_is_too_long_is_not_parsed(client: FlaskClient) -> None:
    answer = client.post("/setup", json={"project": "1.1", "schema": CONFIG + " " * 1000})
    assert answer.status_code == 413


@pytest.mark.parametrize("text", ["<" * 300_000, "<a" * 300_000, "&" * 300_000, "<" + "a" * 300_000])
def test_markup_is_taken_out_in_a_time_that_grows_with_the_text_alone(text: str) -> None:
    # Two hours, not a second, where each of the signs is searched for to the end of the text.
    LabelScheme("c", "t", "text", ("a", "b"), source="HyperText").text_of({"text": text})


@pytest.mark.parametrize("path", ["/health", "/nowhere", "/setup"])
def test_every_answer_tells_browsers_to_run_and_embed_nothing(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS


def test_there_is_no_debug_server_whatever_flask_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = create_app(Settings(redis_url="redis://localhost:1"))
    assert app.debug is False
    assert app.test_client().get("/console").status_code == 404


def test_beyond_the_slots_requests_are_refused_at_once_and_the_rest_waits_its_turn() -> None:
    slots, together, most, go = Slots(at_once=2, admitted=4), [], [], threading.Event()

    def work() -> None:
        with slots.one():
            together.append(1)
            most.append(len(together))
            go.wait(30)
            together.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while slots._admitted._value and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(ServiceUnavailable), slots.one():
        pass
    go.set()
    for thread in threads:
        thread.join()
    assert (len(most), max(most)) == (4, 2)
    with slots.one():
        pass


def test_a_refused_request_for_predictions_says_when_to_come_back(client: FlaskClient) -> None:
    slots = client.application.extensions["slots"]
    held = [slots.one() for _ in range(11)]  # of 16 threads three in four, but for the one that refuses
    slots._working = threading.Semaphore(12)
    for one in held:
        one.__enter__()
    answer = client.post("/predict", json={"project": "1.1", "tasks": []})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert client.get("/health").status_code == 200
    for one in held:
        one.__exit__(None, None, None)
    assert client.post("/predict", json={"project": "1.1", "tasks": []}).status_code == 200
