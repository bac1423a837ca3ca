"""An annotation may mend what made a retrain fail: it is tried again at once, not after the wait or the time
aside; but a project that fails whatever is annotated does not keep the workers busy."""

from __future__ import annotations

import pytest
from rq.registry import ScheduledJobRegistry

from backend.errors import Unavailable
from backend.jobs.dispatch import Dispatcher
from backend.jobs.failing import failed
from backend.jobs.job import AtlasJob
from backend.jobs.queues import RETRIES
from tests.fakes.loop import Loop

SECONDS = 100


@pytest.fixture
def dispatch(loop: Loop) -> Dispatcher:
    loop.set(retrain_every=5, retry_after=SECONDS)
    return loop.dispatcher


def fails_once(dispatch: Dispatcher, project: int) -> AtlasJob:
    """As RQ leaves a job whose first attempt has failed: it waits to be tried again."""
    dispatch.request_retrain(project)
    dispatch.state(project).begin_try()
    job = AtlasJob.read(f"retrain-{project}", dispatch.redis)
    assert job is not None
    assert job.retries_left == RETRIES
    dispatch.queue.remove(job)
    with dispatch.redis.pipeline() as pipeline:
        job.retry(dispatch.queue, pipeline)
        pipeline.execute()
    assert wait_of(dispatch, project) > SECONDS / 2
    return job


def wait_of(dispatch: Dispatcher, project: int) -> float:
    """Seconds until the retrain is due; fails where none waits for its time."""
    due = dispatch.redis.zscore(ScheduledJobRegistry(queue=dispatch.queue).key, f"retrain-{project}")
    assert due is not None
    return due - dispatch.redis.time()[0]


def test_an_annotation_hastens_a_retry(dispatch: Dispatcher) -> None:
    job = fails_once(dispatch, 7)
    fails_once(dispatch, 8)
    dispatch.changed(7)
    assert wait_of(dispatch, 7) <= 0
    assert wait_of(dispatch, 8) > SECONDS / 2
    job.refresh()
    assert job.retries_left == RETRIES - 1  # so that the number of tries stays bounded


def test_one_that_came_while_the_retrain_ran_does_too(dispatch: Dispatcher) -> None:
    fails_once(dispatch, 7)
    dispatch.after_failure(7)
    assert wait_of(dispatch, 7) > SECONDS / 2
    dispatch.state(7).note_changes(1)
    dispatch.after_failure(7)
    assert wait_of(dispatch, 7) <= 0


def test_a_rest_between_two_retrains_is_not_cut_short(loop: Loop) -> None:
    loop.set(retrain_every=1, retrain_pause=SECONDS)
    loop.dispatcher.state(7).retrained(0)
    for _ in range(3):
        loop.dispatcher.changed(7)
    assert wait_of(loop.dispatcher, 7) > SECONDS / 2


def test_nor_is_what_label_studio_asks_for(dispatch: Dispatcher) -> None:
    """A Retry-After of its own."""
    job = fails_once(dispatch, 7)
    failed(job, Unavailable, Unavailable("busy", retry_after=60), None)
    dispatch.changed(7)
    assert wait_of(dispatch, 7) > SECONDS / 2


def test_an_annotation_ends_the_time_aside_by_one_try(dispatch: Dispatcher) -> None:
    state = dispatch.state(7)
    state.note_changes(3)
    state.begin_try()
    state.set_aside("why", 600)
    dispatch.request_retrain(7)
    assert dispatch.queue.get_job_ids() == []  # no news
    dispatch.changed(7)
    assert state.aside is None
    assert dispatch.queue.get_job_ids() == ["retrain-7"]


def test_after_each_failure_it_takes_twice_as_many(dispatch: Dispatcher) -> None:
    state, needed = dispatch.state(7), []
    for _ in range(5):
        state.begin_try()
        state.set_aside("why", 600)
        dispatch.queue.empty()
        count = 0
        while state.aside is not None:
            dispatch.changed(7)
            count += 1
        needed.append(count)
    assert needed == [1, 2, 4, 8, 16]
    state.retrained(state.changes)
    state.begin_try()
    state.set_aside("why", 600)
    dispatch.queue.empty()
    dispatch.changed(7)
    assert state.aside is None


def test_what_came_during_the_last_attempt_counts(dispatch: Dispatcher) -> None:
    state = dispatch.state(7)
    state.begin_try()
    state.note_changes(1)
    state.set_aside("why", 600)
    dispatch.after_failure(7)
    assert state.aside is None
    assert dispatch.queue.get_job_ids() == ["retrain-7"]


def test_a_disconnected_project_is_not_tried(dispatch: Dispatcher) -> None:
    state = dispatch.state(7)
    state.set_aside("why", 600)
    state.disconnected = True
    dispatch.changed(7)
    assert state.aside == "why"


def test_whatever_lies_in_redis_an_annotation_is_taken(dispatch: Dispatcher) -> None:
    fails_once(dispatch, 7)
    key = "atlas:project:7"
    for field in ("tried", "try_at", "failures"):
        dispatch.redis.hset(key, field, "abc")
    dispatch.redis.hset("rq:job:retrain-7", "retries_left", "x")
    dispatch.changed(7)
    dispatch.after_failure(7)
    assert dispatch.state(7).set_aside("why", 600) == 600
    dispatch.redis.delete(registry := ScheduledJobRegistry(queue=dispatch.queue).key)
    dispatch.redis.set(registry, "x")
    dispatch.redis.hset("rq:job:retrain-7", "retries_left", 1)
    dispatch.redis.hdel(key, "try_at")
    dispatch.changed(7)
