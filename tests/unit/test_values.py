"""What Redis holds is read with care."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from redis import Redis, ResponseError

from backend.jobs.values import mended, number, text, whole


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (b"0", 0),
        (b"-12", -12),
        (b"9" * 18, 10**18 - 1),
        (7, 7),
        (b"9" * 19, 5),  # beyond what Redis counts in
        (b"+1", 5),
        (b"1.0", 5),
        (b" 1", 5),
        (b"1\n", 5),
        (b"", 5),
        (b"\xd9\xa1", 5),  # a digit of another script
        ("1", 5),
        (1.5, 5),
        (None, 5),
        ([1], 5),
    ],
)
def test_whole_numbers(value: Any, read: int) -> None:
    assert whole(value, 5) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (b"1.5", 1.5),
        (b"-2e3", -2000.0),
        (b"7", 7.0),
        (b"nan", 0.5),
        (b"inf", 0.5),
        (b"-1e999", 0.5),
        (b"", 0.5),
        (b"\xff", 0.5),
        (b"1,5", 0.5),
        (None, 0.5),
        (3.0, 0.5),  # Redis answers in bytes
    ],
)
def test_finite_numbers(value: Any, read: float) -> None:
    assert number(value, 0.5) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [(b"\xc3\xa9", "\xe9"), (b"", ""), (b"\xff", None), (None, None), ("a", None), (1, None)],
)
def test_texts(value: Any, read: str | None) -> None:
    assert text(value) == read


def test_without_a_default_what_is_none_is_nothing() -> None:
    assert (whole(b"x"), number(b"x")) == (0, 0.0)


def test_another_kind_of_value_makes_room(redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    redis.set("atlas:x", "text")
    with caplog.at_level(logging.WARNING):
        assert mended(redis, "atlas:x", lambda: redis.hset("atlas:x", "a", "1")) == 1
    assert redis.hgetall("atlas:x") == {b"a": b"1"}
    assert caplog.messages == ["atlas:x in Redis held what is not this backend's: deleted"]


def test_what_is_of_its_kind_is_left_alone(redis: Redis) -> None:
    redis.hset("atlas:x", "a", "1")
    assert mended(redis, "atlas:x", lambda: redis.hget("atlas:x", "a")) == b"1"
    assert redis.exists("atlas:x")


def test_another_error_of_redis_is_told(redis: Redis) -> None:
    redis.set("atlas:x", "text")
    with pytest.raises(ResponseError, match="not an integer"):
        mended(redis, "atlas:x", lambda: redis.incr("atlas:x"))
    assert redis.get("atlas:x") == b"text"
