"""A password of Redis may hold any character: it is given apart from the address, never pasted into it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from redis import Redis

from backend.settings import Settings

ODD = ["p@ss", "pa/ss", "pa#ss", "pa:ss", "pa?ss", "50%41", "sp ace", "$HOME", "é'\"\\", "12/34"]


def connection(**settings: str) -> dict[str, object]:
    """What redis-py makes of the settings."""
    with Redis.from_url(Settings(**settings).redis_url) as redis:
        return redis.connection_pool.connection_kwargs


@pytest.mark.parametrize("password", ODD)
def test_a_password_of_any_characters_reaches_redis_as_it_is(password: str) -> None:
    used = connection(redis_url="redis://redis:6379/0", redis_password=password)
    assert (used["host"], used["port"], used["db"], used["password"]) == ("redis", 6379, 0, password)
    used = connection(redis_url="rediss://atlas@[::1]:7000/3", redis_password=password)
    assert (used["host"], used["port"], used["db"]) == ("::1", 7000, 3)
    assert (used["username"], used["password"]) == ("atlas", password)


def test_the_password_in_an_address_wins_and_a_socket_needs_none() -> None:
    assert connection(redis_url="redis://:inside@redis", redis_password="apart")["password"] == "inside"
    assert "password" not in connection(redis_url="unix:///run/redis.sock", redis_password="apart")
    assert connection(redis_password="apart")["password"] == "apart"  # at the default address
    assert not connection(redis_url="redis://redis", redis_password="").get("password")


@pytest.mark.parametrize("password", ["pa/ss", "pa#ss", "pa?ss", "12/34", "12#34", "12?34", "[x"])
def test_an_address_cut_short_by_its_password_is_refused_without_showing_it(password: str) -> None:
    with pytest.raises(ValidationError, match="REDIS_PASSWORD") as refused:
        Settings(redis_url=f"redis://:{password}@redis:6379/0")
    assert password not in str(refused.value)
