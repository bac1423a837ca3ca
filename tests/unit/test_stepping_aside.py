"""When a fine-tuning ends for what waits, for its worker, or for its time."""

from __future__ import annotations

import pytest

import backend.doctor.examine  # noqa: F401  registers the checks, in their order
from backend.jobs.kinds import QUEUE_NAME, TUNING_QUEUE, UPKEEP_QUEUE
from backend.jobs.stepping_aside import OutOfTime, Overtaken, StepAside
from tests.fakes.loop import Loop


def runs_on(loop: Loop, monkeypatch: pytest.MonkeyPatch, *queues: str) -> None:
    """A job that asks is run by a worker of these queues."""
    worker = "rq:worker:one"
    monkeypatch.setattr("backend.jobs.stepping_aside._worker", lambda: worker)
    loop.redis.hset(worker, "queues", ",".join(queues))


def test_a_worker_that_is_asked_to_stop_does_not_go_on_for_minutes(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.jobs.stepping_aside.LOOK_EVERY", 0)
    runs_on(loop, monkeypatch, TUNING_QUEUE)
    aside = StepAside(loop.redis, 100, lambda: None)
    aside.look()
    loop.redis.hset("rq:worker:one", "shutdown_requested_date", "now")
    with pytest.raises(Overtaken, match="asked to stop"):
        aside.look()


def test_it_makes_room_for_a_retrain_at_once_and_for_anything_else_at_the_second_look(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.jobs.stepping_aside.LOOK_EVERY", 0)
    runs_on(loop, monkeypatch, UPKEEP_QUEUE, QUEUE_NAME, TUNING_QUEUE)
    aside = StepAside(loop.redis, 100, lambda: None)
    aside.look()
    loop.dispatcher.request_refill(1)
    aside.look()
    with pytest.raises(Overtaken, match="something waits in atlas-upkeep"):
        aside.look()
    loop.dispatcher.upkeep.empty()
    aside.look()
    loop.dispatcher.request_retrain(1)
    with pytest.raises(Overtaken, match="a retrain waits"):
        aside.look()


def test_a_worker_that_only_tunes_is_wanted_nowhere_else(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.jobs.stepping_aside.LOOK_EVERY", 0)
    runs_on(loop, monkeypatch, TUNING_QUEUE)
    loop.dispatcher.request_retrain(1)
    StepAside(loop.redis, 100, lambda: None).look()
    with pytest.raises(Overtaken, match="another question"):
        StepAside(loop.redis, 100, lambda: "it answers another question").look()


def test_what_would_take_too_long_says_so_after_some_steps(loop: Loop) -> None:
    step_done = StepAside(loop.redis, 0.0, lambda: None).each_of(1000)
    for _ in range(StepAside.FIRST + StepAside.MEASURED - 1):
        step_done()
    with pytest.raises(OutOfTime, match="FINE_TUNE_WITHIN is 0: set it higher"):
        step_done()
