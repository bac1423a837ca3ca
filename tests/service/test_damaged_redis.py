"""A damaged file of `up`'s own Redis does not keep it from starting: all in Redis may be lost."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis, RedisError

from backend.running.embedded_redis import start_redis
from backend.running.supervisor import ProcessDied, Supervisor
from tests.e2e.steps import wait_until

DAMAGED = {
    "noise": b"\xa5\x01" * 2000,
    "a wrong length": b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$abc\r\nk\r\n$1\r\nv\r\n",
    "an unknown command": b"*1\r\n$4\r\nNOPE\r\n",
    "a snapshot of noise": b"REDIS0009" + b"\xa5" * 2000,
    "a snapshot of a newer Redis": b"REDIS0099" + b"\xa5" * 2000,
}


@contextmanager
def started(data_dir: Path) -> Iterator[Redis]:
    with (
        Supervisor() as supervisor,
        Redis.from_url(start_redis(supervisor, data_dir, dict(os.environ))) as redis,
    ):
        yield redis


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_file_is_moved_aside(tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "redis" / "appendonly.aof"
    file.parent.mkdir()
    file.write_bytes(DAMAGED[what])
    with caplog.at_level(logging.ERROR), started(tmp_path) as redis:
        assert redis.dbsize() == 0
        redis.set("k", "v")
    assert file.with_name("appendonly.aof.damaged").read_bytes() == DAMAGED[what]
    assert "Redis starts empty" in caplog.text
    with started(tmp_path) as redis:  # and what is written from now on is kept
        assert redis.get("k") == b"v"


def test_one_that_gets_damaged_while_it_runs_is_too(tmp_path: Path) -> None:
    """As `keep_running` does with what ends by itself."""
    with Supervisor() as supervisor:
        url = start_redis(supervisor, tmp_path, dict(os.environ))
        (child,) = supervisor.children
        child.process.kill()
        child.process.wait()
        (tmp_path / "redis" / "appendonly.aof").write_bytes(DAMAGED["noise"])
        child.process = child.spawn()
        wait_until(lambda: child.process.poll() is not None)
        assert child.mend()
        child.process = child.spawn()
        with Redis.from_url(url) as redis:
            wait_until(lambda: _answers(redis))
            assert redis.dbsize() == 0


def test_what_ends_redis_for_another_reason_moves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "redis" / "appendonly.aof"
    file.parent.mkdir()
    (tmp_path / "redis.log").write_text("Bad file format reading the append only file\nRedis is starting\n")
    file.mkdir()  # in its place
    with Supervisor() as supervisor, pytest.raises(ProcessDied):
        start_redis(supervisor, tmp_path, dict(os.environ))
    assert file.is_dir()


def _answers(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except RedisError:
        return False
