"""Bounds on what one request may ask for, and what browsers are told."""

from __future__ import annotations

import io
import json
import threading
import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import ServiceUnavailable

from backend.controls.sources import HyperText
from backend.settings import Settings
from backend.web import create_app
from backend.web.body import SMALL
from backend.web.headers import HEADERS
from backend.web.pressure import Slots
from backend.web.structure import exceeds
from tests.unit.test_web import CONFIG

BOUNDS = {"max_body_mb": 1, "max_tasks": 3, "max_text_chars": 1000}


@pytest.fixture
def client() -> FlaskClient:
    return create_app(Settings(redis_url="redis://localhost:1", **BOUNDS)).test_client()


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


@pytest.mark.parametrize("path", ["/setup", "/train", "/job_status", "/versions"])
def test_only_what_may_have_many_tasks_in_it_may_be_large(path: str) -> None:
    client = create_app(Settings(redis_url="redis://localhost:1")).test_client()
    large = b'{"tasks": [], "project": "1.1", "x": "' + b"x" * SMALL + b'"}'
    assert client.post(path, data=large).status_code == 413
    assert client.post("/predict", data=large).status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/webhook"])
def test_a_body_of_very_many_parts_is_refused_before_it_is_parsed(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = create_app(Settings(redis_url="redis://localhost:1", max_tasks=100)).test_client()
    parsed: list[int] = []
    loads = json.loads

    def noted(data: bytes) -> Any:
        parsed.append(len(data))
        return loads(data)

    monkeypatch.setattr("backend.web.body.json.loads", noted)
    many = b'{"project": "1.1", "tasks": [], "x": [' + b"[]," * 20_000 + b"1]}"
    assert client.post(path, data=many).status_code in (413, 503)  # 503: no Redis, to have all looked at
    assert parsed == []
    text = b'{"project": "1.1", "tasks": [], "x": "' + b"[]," * 20_000 + b'"}'
    assert client.post("/predict", data=text).status_code == 200


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)
    )
)
def test_parts_are_counted_outside_strings(value: Any) -> None:
    def parts(value: Any) -> int:
        if not isinstance(value, (list, dict)):
            return 0
        items = value.values() if isinstance(value, dict) else value
        return 1 + max(0, len(value) - 1) + sum(map(parts, items))

    for data in (
        json.dumps(value).encode(),
        json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"),
    ):
        count = parts(value)
        assert not exceeds(data, count)
        assert count == 0 or exceeds(data, count - 1)


@pytest.mark.parametrize("piece", [b'"', b"\\\\", b'\\"', b'"\\\\",', b'"[",'])
def test_parts_are_counted_right_where_blocks_end_within_an_escape(piece: bytes) -> None:
    for shift in range(5):
        text = json.dumps([" " * shift, "x" * 10 + '\\"[,' * 300_000, piece.decode() * 300_000]).encode()
        assert not exceeds(text, 3)
        assert exceeds(text, 2)


def test_predictions_take_their_slot_before_the_body_is_read(client: FlaskClient) -> None:
    slots = client.application.extensions["slots"]
    read: list[bool] = []

    class Body(io.BytesIO):
        def readinto(self, into: Any) -> int:
            read.append(slots._admitted._value < 11)
            return super().readinto(into)

        def read(self, size: int | None = -1) -> bytes:  # Werkzeug 2.0 asks this way
            read.append(slots._admitted._value < 11)
            return super().read(size)

    body = b'{"project": 1, "tasks": []}'
    sent = client.post("/predict", input_stream=Body(body), headers={"Content-Length": str(len(body))})
    assert sent.status_code == 200
    assert read
    assert all(read)


def test_a_body_that_comes_slowly_is_given_up(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("backend.web.body.time.monotonic", lambda: now[0])

    class Slow(io.BytesIO):
        def readinto(self, into: Any) -> int:
            now[0] += 1
            return super().readinto(into)

        def read(self, size: int | None = -1) -> bytes:  # Werkzeug 2.0 asks this way
            now[0] += 1
            return super().read(size)

    body = b" " * 2**20
    sent = client.post("/predict", input_stream=Slow(body), headers={"Content-Length": str(len(body))})
    assert sent.status_code == 408
    assert now[0] < 20


def test_a_label_config_that_is_too_long_is_not_parsed(client: FlaskClient) -> None:
    answer = client.post("/setup", json={"project": "1.1", "schema": CONFIG + " " * 1000})
    assert answer.status_code == 413


@pytest.mark.parametrize("text", ["<" * 300_000, "<a" * 300_000, "&" * 300_000, "<" + "a" * 300_000])
def test_markup_is_taken_out_in_a_time_that_grows_with_the_text_alone(text: str) -> None:
    # Two hours, not a second, where each of the signs is searched for to the end of the text.
    HyperText("text").content({"text": text})


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
