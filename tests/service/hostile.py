"""Malformed and hostile requests, and who sends them."""

from __future__ import annotations

import json
import random
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

from backend.settings import Settings
from tests.service.test_wire import MALFORMED
from tests.unit.test_web import CONFIG

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
        told_to_wait = status == 503 and b"at once; ask again later" in content  # on a busy machine
        if (status >= 500 and not told_to_wait) or b"nobody-may-see" in content:
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
