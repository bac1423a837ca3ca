"""The number by which an installation is known: kept in Redis, told by /health without waiting."""

from __future__ import annotations

import threading
from typing import Any

from redis import Redis

from backend.jobs.installation import installation_id
from backend.jobs.keys import INSTALLATION_KEY
from backend.settings import Settings
from backend.web import create_app


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "installation"]


def test_all_parts_of_an_installation_have_one_number_whatever_stood_in_its_place(redis: Redis) -> None:
    redis.hset(INSTALLATION_KEY, "another", "application's")
    kept = installation_id(redis)
    assert kept
    assert installation_id(redis) == kept
    redis.flushall()
    assert installation_id(redis) != kept


def test_health_tells_it_and_never_waits_for_redis(redis: Redis) -> None:
    kept, answers = installation_id(redis), threading.Event()

    class Hanging(Redis):
        def execute_command(self, *arguments: Any, **options: Any) -> Any:
            assert answers.wait(60)
            return super().execute_command(*arguments, **options)

    app = create_app(Settings(redis_url="redis://localhost:1"))
    app.extensions["installation"]._redis = Hanging(connection_pool=redis.connection_pool)
    client = app.test_client()
    told = [client.get("/health").get_json()["installation"] for _ in range(9)]
    (reader,) = readers()  # however often it is asked
    answers.set()
    reader.join()
    assert told == [None] * 9
    assert client.get("/health").get_json()["installation"] == kept
    for reader in readers():  # that answer has it read anew: not beyond the end of this Redis
        reader.join()
