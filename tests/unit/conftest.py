"""For tests of whole jobs: a Redis of the session's own, a fake Label Studio, and servers of files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest
from flask.testing import FlaskClient
from label_studio_sdk.core import http_client
from redis import Redis

from backend.content import connecting
from backend.encoders.maps import Lite0Maps
from backend.encoders.pictures import Lite0Encoder
from backend.generation import named
from backend.learning import domain_head, heads, tagging, training
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from tests.content import FileServer, file_server, names_that_are
from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.loop import Loop
from tests.fakes.server import FakeServer, served
from tests.unit.encoded_once import encoded_once
from tests.unit.learned_once import learned_once


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SDK tries again it tries at once, and no file waits for the disk: a power cut loses a test. An
    application's log says again what one of another test has said."""
    monkeypatch.setattr(http_client, "INITIAL_RETRY_DELAY_SECONDS", 0.001)
    monkeypatch.setattr(os, "fsync", lambda file: None)
    monkeypatch.setattr(named.logger, "filters", [])


@pytest.fixture(scope="session")
def session_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Supervisor() as supervisor:
        yield start_redis(supervisor, tmp_path_factory.mktemp("redis"), dict(os.environ))


@pytest.fixture
def redis(session_redis: str) -> Iterator[Redis]:
    """Empty at first."""
    with Redis.from_url(session_redis) as redis:
        redis.flushall()
        yield redis


@pytest.fixture(scope="session")
def fake_server() -> Iterator[FakeServer]:
    with served() as server:
        yield server


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> dict[str, FlaskClient]:
    """The backends that `connect` can reach from here, by address: none at first."""
    answering: dict[str, FlaskClient] = {}

    def health_at(url: str) -> Any:
        said = answering[url].get("/health").get_json() if url in answering else None
        for thread in threading.enumerate():
            if thread.name == "installation":  # the next answer has what this one had read
                thread.join()
        return said

    monkeypatch.setattr("backend.doctor.bench.health_at", health_at)
    return answering


@pytest.fixture
def trained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is trained on the same labels of the same vectors is trained once a session: for tests that are
    about what comes of a training. Those of trainings themselves, and the golden ones, train each time."""
    for module, name in ((training, "_fit"), (tagging, "_fit"), (heads, "_fit"), (domain_head, "_descend")):
        monkeypatch.setattr(module, name, learned_once(getattr(module, name)))


@pytest.fixture(autouse=True)
def _loops_train_once(request: pytest.FixtureRequest) -> None:
    """Not those of other folders that borrow `loop`."""
    if "loop" in request.fixturenames:
        request.getfixturevalue("trained_once")


@pytest.fixture
def loop(
    redis: Redis, session_redis: str, fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Loop]:
    """A backend's jobs on an empty fake Label Studio and an empty Redis."""
    loop = Loop(fake_server.show(FakeLabelStudio()), redis, monkeypatch)
    loop.set(
        label_studio_url=fake_server.url,
        label_studio_api_key="a-legacy-token",
        redis_url=session_redis,
        retrain_pause=0,
    )
    yield loop
    for client in loop.clients:
        client.close()


@pytest.fixture
def pictures_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the image network says of a picture is reckoned once a session: many tests draw the same few."""
    for encoder in (Lite0Encoder, Lite0Maps):
        monkeypatch.setattr(encoder, "encode", encoded_once(encoder.encode))


@pytest.fixture
def studio() -> Iterator[FileServer]:
    with file_server() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[FileServer]:
    with file_server("127.0.0.2") as server:
        yield server


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names that the system's resolver knows for the time of the test."""
    names: dict[str, list[str]] = {}
    monkeypatch.setattr(connecting.socket, "getaddrinfo", names_that_are(names))
    return names


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.2 counts as a public address."""
    monkeypatch.setattr(connecting, "is_public", lambda address: address == ip_address("127.0.0.2"))
