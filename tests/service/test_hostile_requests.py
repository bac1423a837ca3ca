"""Ten thousand malformed and hostile requests over a real socket to a real gunicorn: no 5xx, no secret told,
/health answered all the while, and no memory kept."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest

from backend.settings import Settings
from backend.web import create_app
from benchmarks.load.memory import children, resident
from tests.service.hostile import AUTHORIZATION, DEEP_XML, LAUGHS, OUTSIDE, SECRETS, Client
from tests.service.test_wire import Web, serving
from tests.unit.test_web import CONFIG

REQUESTS = 10_000
CLIENTS = 8
MAX_GROWTH = 64
"""MB by which the process that answers may grow over all of them, the first thousand apart."""
MAX_PEAK = 900
"""MB that it may hold at any moment, four large requests for predictions at once among them."""
PATIENCE = 10
"""Seconds that /health may take on a machine that does other things too."""


@contextmanager
def health_is_asked_for(port: int) -> Iterator[Counter[str]]:
    """All the while; counts how often it answered, and how often it did not."""
    answers, ended = Counter[str](), threading.Event()

    def ask() -> None:
        while not ended.wait(0.05):
            http = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            try:
                http.request("GET", "/health")
                answers["UP" if b'"UP"' in http.getresponse().read() else "wrong"] += 1
            except OSError as error:
                answers[type(error).__name__] += 1
            finally:
                http.close()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield answers
    finally:
        ended.set()
        asking.join()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(
        tmp_path_factory.mktemp("hostile"), MAX_BODY_MB="64", MAX_TEXT_CHARS="1000000", **SECRETS
    ) as web:
        yield web


def test_ten_thousand_hostile_requests(web: Web) -> None:
    clients = [Client(web.port, random.Random(i)) for i in range(CLIENTS)]
    (pid,) = children(web.pid)

    def send(count: int) -> None:
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda client: [client.send() for _ in range(count // CLIENTS)], clients))

    with health_is_asked_for(web.port) as health:
        send(REQUESTS // 10)
        before = resident(pid)
        send(REQUESTS - REQUESTS // 10)
    grown = resident(pid) - before
    statuses = sum((client.statuses for client in clients), Counter[int]())
    print(statuses, health, f"grown by {grown:.0f} MB, at most {web.peak()} MB")
    assert [each for client in clients for each in client.wrong] == []
    assert statuses[503] <= REQUESTS // 100
    assert set(health) == {"UP"}
    assert (children(web.pid), grown < MAX_GROWTH) == ([pid], True)
    assert {200, 201, 400, 401, 403, 404, 405, 410, 411} <= set(statuses), statuses  # all roads were taken
    assert sum(statuses.values()) == REQUESTS
    log = web.log_file.read_text()
    assert "nobody-may-see" not in log
    assert "Traceback" not in log


def large_requests() -> Iterator[tuple[str, bytes]]:
    """What froze the process, or took gigabytes."""
    wide = b'{"project":"5.1","tasks":[],"x":[' + b"[]," * 20_000_000 + b"1]}"
    nested = "<a visibleWhen='x'>" * 20_000 + "</a>" * 20_000
    texts = [{"id": i, "data": {"text": f"{i} " + "word " * 480}} for i in range(19_000)]
    predict = json.dumps({"project": "5.1", "label_config": CONFIG, "tasks": texts}).encode()
    for _ in range(4):
        yield "/predict", predict
        yield "/predict", wide
        yield "/webhook", wide
        yield "/setup", wide
        yield "/setup", json.dumps({"project": "5.1", "schema": nested}).encode()


def test_large_requests_at_once_starve_nothing_and_take_no_more_memory_than_is_said(web: Web) -> None:
    def post(request: tuple[str, bytes]) -> int:
        http = HTTPConnection("127.0.0.1", web.port, timeout=120)
        headers = {"Authorization": AUTHORIZATION, "Content-Type": "application/json"}
        try:
            http.request("POST", request[0], request[1], headers)
            return http.getresponse().status
        except ConnectionError:
            return 0  # refused unread
        finally:
            http.close()

    with health_is_asked_for(web.port) as health, ThreadPoolExecutor(20) as pool:
        answers = Counter(pool.map(post, large_requests()))
        events = [post(("/webhook?project=1", b'{"action": "ANNOTATION_CREATED"}')) for _ in range(20)]
    print(answers, health, f"at most {web.peak()} MB")
    assert set(answers) <= {0, 200, 400, 413, 503}  # 503: come back later
    assert answers[200] > 0
    assert events == [201] * 20
    assert set(health) == {"UP"}
    assert web.peak() < MAX_PEAK


@pytest.mark.parametrize("config", [LAUGHS, OUTSIDE, DEEP_XML])
def test_entities_are_neither_expanded_nor_fetched(config: str) -> None:
    client = create_app(Settings(redis_url="redis://localhost:1")).test_client()
    answer = client.post("/setup", json={"project": "1.1", "schema": config})
    assert answer.status_code == 400
    assert "haha" not in answer.get_json()["error"]
    assert "root:" not in answer.get_json()["error"]
