"""The cron asks for looks, outlives its Redis, and ends when it is asked to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import RedisError
from rq.cron import CronScheduler

from backend.jobs import cron as clock
from backend.jobs.cron import create_cron
from tests.fakes.loop import Loop


def test_the_cron_asks_for_a_look_and_for_one_only(loop: Loop) -> None:
    cron = create_cron(loop.settings)
    (job,) = cron.get_jobs()
    for _ in range(2):
        assert job.enqueue(loop.redis).id == "reconcile"
    assert loop.dispatcher.upkeep.get_job_ids() == ["reconcile"]
    assert cron.calculate_sleep_interval() <= clock.BEAT_SECONDS


def test_the_cron_outlives_a_redis_that_is_away(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes: list[Callable[[], None]] = []
    waits: list[float] = []

    def away() -> None:
        raise RedisError("away")

    outcomes += [away, away, away, lambda: None]
    monkeypatch.setattr(CronScheduler, "start", lambda self: outcomes.pop(0)())
    monkeypatch.setattr(clock.time, "sleep", waits.append)
    cron = create_cron(loop.settings)
    cron.run()
    assert outcomes == []
    assert waits == [1.0, 2.0, 4.0]
    monkeypatch.setattr(CronScheduler, "register_death", lambda *_, **__: away())
    cron.register_death()


def test_the_cron_ends_where_it_is_told_to_while_it_waits(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> None:
        raise RedisError("away")

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(CronScheduler, "start", away)
    monkeypatch.setattr(clock.time, "sleep", interrupted)
    create_cron(loop.settings).run()
