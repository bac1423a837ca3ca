"""The fixtures of whole jobs on a fake Label Studio; connections to Redis that end with the test."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from tests.unit.conftest import fake_server, loop, redis, session_redis, trained_once

__all__ = ["fake_server", "loop", "redis", "session_redis", "trained_once"]


@pytest.fixture(autouse=True)
def _connections_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test asks Redis with, a dispatcher above all, has closed its connections when it ends: what
    is used longer opens them again."""
    made, connect = [], Redis.from_url

    def from_url(*given: Any, **named: Any) -> Redis:
        made.append(connect(*given, **named))
        return made[-1]

    monkeypatch.setattr(Redis, "from_url", from_url)
    yield
    for each in made:
        each.close()
