"""One retrain of a project at a time, whatever becomes of those who run it."""

from __future__ import annotations

import time

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection
from redis.lock import Lock

from backend.errors import LostLock, ProjectBusy
from backend.jobs.lock import ProjectLock


def test_whoever_has_lost_it_is_told_before_anything_that_others_see(redis: Redis) -> None:
    with ProjectLock(redis, 1, 60).held() as lock:
        lock.check()
        redis.flushall()  # a Redis that was emptied
        with pytest.raises(LostLock, match="another worker has taken over project 1 meanwhile"):
            lock.check()


def test_an_owner_that_lives_keeps_others_out_and_other_projects_have_their_own(redis: Redis) -> None:
    with ProjectLock(redis, 1, 60).held():
        with pytest.raises(ProjectBusy, match="another worker is retraining project 1"):
            ProjectLock(redis, 1, 0).held().__enter__()
        with ProjectLock(redis, 2, 60).held() as other:
            other.check()
    with ProjectLock(redis, 1, 60).held() as again:
        again.check()


def test_it_is_renewed_for_as_long_as_its_owner_lives(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed: list[bool] = []
    real = Lock.reacquire
    monkeypatch.setattr(Lock, "reacquire", lambda lock: renewed.append(real(lock)))
    with ProjectLock(redis, 1, 3).held() as lock:
        ends = time.monotonic() + 60
        while not renewed:
            assert time.monotonic() < ends
            time.sleep(0.02)
        lock.check()


def test_a_redis_that_is_away_for_a_moment_is_asked_again(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    renewed: list[bool] = []
    real = Lock.reacquire

    def away_at_first(lock: Lock) -> bool:
        renewed.append(True)
        if len(renewed) == 1:
            raise NoConnection("refused")
        return bool(real(lock))

    monkeypatch.setattr(Lock, "reacquire", away_at_first)
    with ProjectLock(redis, 1, 1).held():
        ends = time.monotonic() + 60
        while len(renewed) < 2:
            assert time.monotonic() < ends
            time.sleep(0.02)
    assert "cannot renew the project's lock: refused" in caplog.text
