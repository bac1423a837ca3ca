"""Ten thousand malformed and hostile requests: no 5xx, no secret told, no memory kept.

No route may answer 5xx, the ones that need Redis included: a real Redis runs.
"""

from __future__ import annotations

import gc
import io
import json
import logging
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.web import create_app
from benchmarks.load.memory import resident
from tests.unit.test_web import CONFIG

REQUESTS = 10_000
MAX_GROWTH = 64
"""MB by which the process may grow over all of them, the first thousand apart."""
SECRETS = {
    "label_studio_api_key": "k3y-that-nobody-may-see",
    "webhook_secret": "h00k-that-nobody-may-see",
    "basic_auth_pass": "pa55-that-nobody-may-see",
}
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
CONFIGS: list[Any] = [LAUGHS, OUTSIDE, DEEP_XML, CONFIG, "<", "", None, 7, "\ud800", "<a/>" * 100, "\0"]
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
TEXTS += ["'; DROP TABLE tasks; --", "{{7*7}}", "${jndi:ldap://x}", "retrain-1", "atlas-000001", "<script>"]
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


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with Supervisor() as supervisor:
        yield start_redis(supervisor, tmp_path, dict(os.environ))


def send(client: FlaskClient, rng: random.Random) -> tuple[int, bytes, str]:
    method = rng.choice(["POST", "POST", "POST", "GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
    path = rng.choice(PATHS)
    headers = {"Content-Type": rng.choice(["application/json", "text/plain", "x/y", "multipart/form-data"])}
    if rng.random() < 0.1:
        headers["Authorization"] = rng.choice(
            ["Basic", "Basic !!!", "Bearer ", "Bearer \xff", "Basic " + "A" * 9000]
        )
    query = rng.choice(
        ["", f"job={rng.choice(['', 'a:b', '%00', '%ff', 'x' * 5000])}", "project=../x", "project=1"]
    )
    answer = client.open(path, method=method, data=body(rng), headers=headers, query_string=query)
    return answer.status_code, answer.data, f"{method} {path}"


def test_ten_thousand_hostile_requests(redis_url: str) -> None:
    rng, told = random.Random(0), io.StringIO()
    client = create_app(Settings(redis_url=redis_url, **SECRETS, basic_auth_user="atlas")).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = Settings(
        **SECRETS, basic_auth_user="atlas"
    ).basic_authorization
    logging.getLogger().addHandler(logging.StreamHandler(told))
    statuses: dict[int, int] = {}
    before = 0.0
    for i in range(REQUESTS):
        status, content, what = send(client, rng)
        statuses[status] = statuses.get(status, 0) + 1
        assert status < 500, (what, content[:300])
        assert b"nobody-may-see" not in content, what
        if i == REQUESTS // 10:
            gc.collect()
            before = resident(os.getpid())
    gc.collect()
    assert resident(os.getpid()) - before < MAX_GROWTH
    assert "nobody-may-see" not in told.getvalue()
    assert {200, 201, 400, 401, 404, 405, 410} <= set(statuses), statuses  # all roads were taken
    print(statuses, file=sys.stderr)


@pytest.mark.parametrize("config", [LAUGHS, OUTSIDE, DEEP_XML])
def test_entities_are_neither_expanded_nor_fetched(config: str) -> None:
    client = create_app(Settings(redis_url="redis://localhost:1")).test_client()
    answer = client.post("/setup", json={"project": "1.1", "schema": config})
    assert answer.status_code == 400
    assert "haha" not in answer.get_json()["error"]
    assert "root:" not in answer.get_json()["error"]
