"""What the doctor finds of Redis: what it keeps, what it drops, and what it does not let us see."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from redis import AuthenticationError, RedisError

import backend.doctor.examine  # noqa: F401  registers the checks in their order
from backend.doctor import machine
from backend.doctor.finding import Finding, State
from backend.settings import Settings

OK, NOTE, WRONG = State.OK, State.NOTE, State.WRONG
Check = Callable[[Any], Finding]


class Answering:
    """A Redis that says this of itself, or fails."""

    def __init__(self, ping: Exception | None = None, config: Any = None, **sections: Any):
        self._ping, self._config, self._sections = ping, config, sections

    def ping(self) -> None:
        if self._ping is not None:
            raise self._ping

    def info(self, section: str) -> Any:
        found = self._sections.get(section, RedisError("not allowed"))
        if isinstance(found, Exception):
            raise found
        return found

    def config_get(self, name: str) -> Any:
        if isinstance(self._config, Exception):
            raise self._config
        return {} if self._config is None else self._config


MEMORY, DISK = machine.redis_memory, machine.redis_on_disk
REDIS: list[tuple[Check, Answering, State, str]] = [
    (machine.redis, Answering(server={"redis_version": "7.2"}), OK, "7.2 at redis://***@r:1/0"),
    (machine.redis, Answering(), OK, "of unknown version at redis://***@r:1/0"),
    (machine.redis, Answering(AuthenticationError("no")), WRONG, "redis://***@r:1/0 does not let us in: no"),
    (machine.redis, Answering(RedisError("gone")), WRONG, "does not answer: gone"),
    (MEMORY, Answering(), NOTE, "does not let us see what it does when it is full"),
    (MEMORY, Answering(memory=[1]), NOTE, "does not let us see"),
    (MEMORY, Answering(memory={"maxmemory_policy": "noeviction"}), OK, "drops nothing when it is full"),
    (MEMORY, Answering(memory={"maxmemory_policy": "allkeys-lru", "maxmemory": 0}), OK, "has no limit"),
    (MEMORY, Answering(memory={"maxmemory_policy": "allkeys-lru", "maxmemory": 2**20}), WRONG,
     "waiting jobs too, when it is full (allkeys-lru, at 1 MB)"),
    (DISK, Answering(), NOTE, "does not let us see whether it keeps anything"),
    (DISK, Answering(persistence={"aof_last_write_status": "err"}), WRONG, "its last write failed (aof"),
    (DISK, Answering(persistence={"aof_enabled": 1}), OK, "keeps an append-only file"),
    (DISK, Answering(RedisError(), RedisError(), persistence={"aof_enabled": 0}), NOTE, "writes snapshots"),
    (DISK, Answering(config={"save": "60 1"}, persistence={"aof_enabled": 0}), OK, "(save 60 1)"),
    (DISK, Answering(config={"save": ""}, persistence={"aof_enabled": 0}), WRONG,
     "keeps nothing: waiting jobs are lost when it restarts"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "redis", "state", "said"), REDIS)
def test_redis(check: Check, redis: Answering, state: State, said: str) -> None:
    settings = Settings(redis_url="redis://ann:s3cret@r:1/0")
    found = check(SimpleNamespace(settings=settings, redis=redis, backend_version=lambda: None))
    assert found.state is state
    assert said in found.found
    assert (found.state is WRONG) <= bool(found.remedy)
    assert "s3cret" not in f"{found.found} {found.remedy}"


@pytest.mark.parametrize(
    ("version", "state", "said"),
    [
        (None, State.NOT_CHECKED, '"backend" comes first'),
        ("1.0", WRONG, "no `up` runs on"),
    ],
)
def test_without_redis_the_backend_is_looked_at_first(version: str | None, state: State, said: str) -> None:
    """`up` would bring its own."""
    subject = SimpleNamespace(
        settings=Settings(), redis=Answering(RedisError("gone")), backend_version=lambda: version
    )
    found = machine.redis(subject)  # type: ignore[arg-type]
    assert found.state is state
    assert said in found.found


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://r:1/0", "redis://r:1/0"),
        ("redis://:s3cret@r:1/0", "redis://***@r:1/0"),
        ("rediss://ann:s3%40cret@r", "rediss://***@r"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert machine._without_password(url) == shown


@pytest.mark.parametrize(
    ("demands", "unmet"),
    [
        ([], []),
        (["pytest>=1"], []),
        (["pytest>=9999"], ["pytest>=9999 is needed, "]),
        (["no-such-package-of-ours>=1"], ["no-such-package-of-ours>=1 is not installed"]),
        (['no-such-package-of-ours; python_version < "3"'], []),
        (['no-such-package-of-ours; extra == "s3"'], []),
    ],
)
def test_a_demand_that_is_not_met_is_named(demands: list[str], unmet: list[str]) -> None:
    found = machine.unmet_demands(demands)
    assert len(found) == len(unmet)
    assert all(each.startswith(said) for each, said in zip(found, unmet, strict=True))
