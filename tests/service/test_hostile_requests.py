"""Ten thousand malformed and hostile requests over a real socket to a real gunicorn: no 5xx, no secret told,
/health answered all the while, and no memory kept."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

import pytest

from backend.settings import Settings
from backend.web import create_app
from benchmarks.load.memory import children, resident
from tests.service.test_wire import MALFORMED, Web, serving
from tests.unit.test_web import CONFIG

REQUESTS = 10_000
CLIENTS = 8
MAX_GROWTH = 64
"""MB by which the process that answers may grow over all of them, the first thousand apart."""
MAX_PEAK = 900
"""MB that it may hold at any moment, four large requests for predictions at once among them."""
PATIENCE = 10
"""Seconds that /health may take on a machine that does other things too."""
SECRETS = {
    "LABEL_STUDIO_API_KEY": "k3y-that-nobody-may-see",
    "WEBHOOK_SECRET": "h00k-that-nobody-may-see",
    "BASIC_AUTH_PASS": "pa55-that-nobody-may-see",
    "BASIC_AUTH_USER": "atlas",
}
AUTHORIZATION = str(Settings(**{name.lower(): value for name, value in SECRETS.items()}).basic_authorization)
DEL_IN_A_NAME = CONFIG.replace('name="label"', 'name="a&#127;b"')
LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "haha">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
    + "]><View><Text name='t' value='$text'/><Choices name='c' toName='t'>"
    "<Choice value='&j;'/><Choice value='b'/></Choices></View>"
)
OUTSIDE = (
    '<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]><View><Text name="t" value="$text"/>'
    '<Choices name="c" toName="t"><Choice value="&x;"/><Choice value="b"/></Choices></View>'
)
DEEP_XML = "<View>" * 20_000 + "</View>" * 20_000
CONFIGS: list[Any] = [
    LAUGHS,
    OUTSIDE,
    DEEP_XML,
    CONFIG,
    "<",
    "",
    None,
    7,
    "\ud800",
    "<a/>" * 100,
    "\0",
    DEL_IN_A_NAME,
]
NUMBERS: list[Any] = [0, -1, 2**31, 2**63, 2**64, 10**400, 1e308, -0.0, float("nan"), float("inf"), True]
TEXTS: list[Any] = [
    "",
    "\0",
    "\ud800",
    "1.1",
    "1",
    "../../etc/passwd",
    "%00",
    "🔥" * 50,
    "a\r\nb",
    "١",
    "1" * 30,
]
TEXTS += [
    "9" * 5000,
    "\x1b[2J\x00",
    "'; DROP TABLE tasks; --",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "retrain-1",
    "atlas-000001",
    "<script>",
]
ACTIONS = ["ANNOTATION_CREATED", "TASKS_CREATED", "TASKS_DELETED", "PROJECT_UPDATED", "START_TRAINING"]
KEYS = ["project", "tasks", "schema", "label_config", "action", "annotation", "annotations", "data", "id"]
KEYS += ["job", "model_version", "params", "extra_params", "strategy", "hostname", "access_token", "text"]
PATHS = ["/", "/health", "/setup", "/predict", "/webhook", "/train", "/job_status", "/versions", "/metrics"]
PATHS += ["/nowhere", "/predict/..%2f..%2fetc", "/job_status/", "//setup", "/%ff"]
RAW = [b"", b"[", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b'{"project": 1e999}']
RAW += [b"null", b'"x"', b"\0" * 100, b'{"tasks": [' + b"[" * 5000 + b"]" * 5000 + b'], "project": 1}']


def anything(rng: random.Random, depth: int = 3) -> Any:
    kind = rng.randrange(8 if depth else 5)
    if kind < 2:
        return rng.choice(NUMBERS)
    if kind < 4:
        return rng.choice(TEXTS)
    if kind == 4:
        return rng.choice([None, [], {}, CONFIG])
    if kind == 5:
        return [anything(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(KEYS): anything(rng, depth - 1) for _ in range(rng.randrange(4))}


def sensible(rng: random.Random) -> dict[str, Any]:
    """A request as Label Studio makes it, before something in it is replaced."""
    task = {"id": rng.randrange(9), "data": {"text": "x"}, "annotations": [], "total_annotations": 1}
    return {
        "project": rng.choice([{"id": 1, "label_config": CONFIG, "model_version": "x"}, "1.17", 1]),
        "tasks": [task],
        "schema": rng.choice(CONFIGS),
        "label_config": rng.choice(CONFIGS),
        "action": rng.choice(ACTIONS),
        "annotation": {"id": 1, "result": []},
        "extra_params": rng.choice([{}, None, {"strategy": rng.choice(TEXTS)}, "{", "[" * 5000]),
        "hostname": "http://evil.example",
        "access_token": "t0ken-that-nobody-may-see",
        "params": {"login": None, "password": "l0gin-that-nobody-may-see"},
        "job": "retrain-1",
    }


def body(rng: random.Random) -> bytes:
    """Hand-made, or a sensible one with some of it replaced, or anything."""
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice(RAW)
    if kind == 1:
        return json.dumps(anything(rng)).encode()
    told = sensible(rng)
    for _ in range(rng.randrange(4)):
        key = rng.choice(list(told))
        if rng.random() < 0.3:
            del told[key]
        elif isinstance(told[key], dict) and told[key] and rng.random() < 0.5:
            told[key] = {**told[key], rng.choice(list(told[key])): anything(rng)}
        else:
            told[key] = anything(rng)
    return json.dumps(told).encode()


HEADERS = [
    ("SCRIPT_NAME", "/x"),
    ("Origin", "http://evil.example"),
    ("Transfer-Encoding", "xchunked"),
    ("X-Forwarded-For", "1.2.3.4"),
    ("X-Forwarded-Proto", "ftp"),
    ("Content-Encoding", "gzip"),
    ("Expect", "200-ok"),
    ("Host", "\xe9"),
    ("Cookie", "a" * 5000),
]


@dataclass
class Client:
    """One sender, on a connection that is kept while it may be."""

    port: int
    rng: random.Random
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def send(self) -> None:
        if self.rng.random() < 0.05:
            self._note(*self._raw(MALFORMED[self.rng.choice(list(MALFORMED))]))
        else:
            self._note(*self._request())

    def _note(self, what: str, status: int, content: bytes) -> None:
        self.statuses[status] += 1
        if status >= 500 or b"nobody-may-see" in content:
            self.wrong.append(f"{what}: {status} {content[:300]!r}")

    def _raw(self, request: bytes) -> tuple[str, int, bytes]:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        with made as sock, suppress(ConnectionError):
            sock.sendall(request)
            answer = sock.recv(65536)
            return repr(request[:100]), int(answer.split()[1]), answer
        return repr(request[:100]), 0, b""

    def _request(self) -> tuple[str, int, bytes]:
        rng = self.rng
        method = rng.choice(["POST", "POST", "POST", "GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
        query = rng.choice(
            ["", f"?job={rng.choice(['', 'a:b', '%00', '%ff', 'x' * 5000])}", "?project=../x", "?project=1"]
        )
        path, sent = rng.choice(PATHS) + query, body(rng)
        http = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            http.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in self._headers(len(sent)):
                http.putheader(name, value.encode("latin-1"))
            http.endheaders(sent)
            answer = http.getresponse()
            return f"{method} {path[:80]}", answer.status, answer.read()
        except (ConnectionError, HTTPException):  # who is refused need not be heard to the end
            return f"{method} {path[:80]}", 0, b""
        finally:
            http.close()

    def _headers(self, length: int) -> Iterator[tuple[str, str]]:
        rng = self.rng
        yield "Content-Type", rng.choice(["application/json", "text/plain", "x/y", "multipart/form-data"])
        yield "Content-Length", str(length)
        wrong = ["Basic", "Basic !!!", "Bearer ", "Bearer \xff", "Basic " + "A" * 6000]
        yield "Authorization", rng.choice(wrong) if rng.random() < 0.1 else AUTHORIZATION
        odd = rng.choice(HEADERS) if rng.random() < 0.2 else ("X-Odd", "1")
        yield odd
        if odd[0] != "Host":
            yield "Host", "atlas"


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
