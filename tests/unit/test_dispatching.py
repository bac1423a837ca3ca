"""When what is enqueued, with a real Redis and no worker."""

from __future__ import annotations

from typing import Any

import pytest
from rq import Queue
from rq.job import JobStatus
from rq.registry import ScheduledJobRegistry
from rq.serializers import JSONSerializer

from backend.errors import LostLock, ProjectBusy
from backend.jobs import lost
from backend.jobs.clock import due_in
from backend.jobs.dispatch import CONNECTION, SETTINGS, TASKS, Dispatcher
from backend.jobs.job import AtlasJob
from backend.jobs.kinds import REFILL
from backend.jobs.lock import ProjectLock
from backend.jobs.look import look
from backend.jobs.lost import forget_if_lost
from backend.jobs.schedule import RedisClockScheduler
from backend.jobs.state import known_projects
from backend.jobs.status import job_status
from tests.fakes.loop import Loop

PROJECT = 7
RETRAIN_7, FLUSH_7, REFILL_7 = "retrain-7", "flush-7", "refill-7"


@pytest.fixture
def dispatch(loop: Loop) -> Dispatcher:
    loop.set(retrain_every=3, retrain_within=30)
    return Dispatcher.from_settings(loop.settings)


def job(dispatch: Dispatcher, job_id: str) -> AtlasJob:
    found = AtlasJob.read(job_id, dispatch.redis)
    assert isinstance(found, AtlasJob)
    return found


def wait_of(dispatch: Dispatcher, queue: Queue, job_id: str) -> float:
    """Seconds until it is due."""
    when = dispatch.redis.zscore(ScheduledJobRegistry(queue=queue).key, job_id)
    return float(when) - dispatch.redis.time()[0]


def test_few_events_wait_and_enough_start_a_retrain(loop: Loop, dispatch: Dispatcher) -> None:
    dispatch.changed(PROJECT)
    dispatch.changed(PROJECT)
    assert loop.jobs() == {FLUSH_7}
    assert wait_of(dispatch, dispatch.upkeep, FLUSH_7) == pytest.approx(30, abs=2)
    dispatch.changed(PROJECT)
    assert loop.jobs() == {FLUSH_7, RETRAIN_7}
    for _ in range(20):
        dispatch.changed(PROJECT)
    assert loop.jobs() == {FLUSH_7, RETRAIN_7}
    assert dispatch.queue.get_job_ids() == [RETRAIN_7]


def test_events_in_bulk_start_a_retrain_at_once(loop: Loop, dispatch: Dispatcher) -> None:
    dispatch.changed_in_bulk(PROJECT)
    assert RETRAIN_7 in loop.jobs()


def test_a_low_head_is_filled_up_by_the_event_that_made_it_low(loop: Loop, dispatch: Dispatcher) -> None:
    dispatch.state(PROJECT).refill_at(2)
    dispatch.changed(PROJECT)
    assert REFILL_7 not in loop.jobs()
    dispatch.changed(PROJECT)
    assert REFILL_7 in loop.jobs()
    assert dispatch.state(PROJECT).owes(REFILL)


def test_a_disconnected_projects_events_are_only_counted(loop: Loop, dispatch: Dispatcher) -> None:
    dispatch.state(PROJECT).disconnected = True
    dispatch.changed_in_bulk(PROJECT)
    assert loop.jobs() == set()
    assert dispatch.state(PROJECT).unseen == 3


def test_the_next_retrain_comes_after_a_rest(loop: Loop, dispatch: Dispatcher) -> None:
    loop.set(retrain_pause=50)
    dispatch.state(PROJECT).retrained(0)
    Dispatcher(loop.redis, loop.settings).request_retrain(PROJECT)
    assert wait_of(dispatch, dispatch.queue, RETRAIN_7) == pytest.approx(50, abs=2)


@pytest.mark.parametrize("status", [JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED])
def test_a_job_that_ended_makes_room(loop: Loop, dispatch: Dispatcher, status: JobStatus) -> None:
    dispatch.request_retrain(PROJECT)
    dispatch.queue.pop_job_id()
    assert dispatch.is_retraining(PROJECT)
    job(dispatch, RETRAIN_7).set_status(status)
    assert not dispatch.is_retraining(PROJECT)
    dispatch.request_retrain(PROJECT)
    assert dispatch.queue.get_job_ids() == [RETRAIN_7]


def wait_to_be_tried_again(dispatch: Dispatcher, seconds: float = 500) -> None:
    """As RQ leaves a retrain whose first attempt has failed."""
    dispatch.state(PROJECT).begin_try()
    dispatch.request_retrain(PROJECT)
    dispatch.queue.pop_job_id()
    failed = job(dispatch, RETRAIN_7)
    failed.retries_left = 1
    failed.set_status(JobStatus.SCHEDULED)
    failed.save()
    ScheduledJobRegistry(queue=dispatch.queue).schedule(failed, due_in(dispatch.redis, seconds))


def test_an_annotation_hastens_a_retrain_that_waits_to_be_tried_again(dispatch: Dispatcher) -> None:
    wait_to_be_tried_again(dispatch)
    dispatch.changed(PROJECT)
    assert wait_of(dispatch, dispatch.queue, RETRAIN_7) <= 1


def test_what_changed_while_it_failed_hastens_it_too(dispatch: Dispatcher) -> None:
    wait_to_be_tried_again(dispatch)
    dispatch.after_failure(PROJECT)
    assert wait_of(dispatch, dispatch.queue, RETRAIN_7) > 100
    dispatch.state(PROJECT).note_changes(1)
    dispatch.after_failure(PROJECT)
    assert wait_of(dispatch, dispatch.queue, RETRAIN_7) <= 1


def test_while_label_studio_asks_for_peace_nothing_comes_sooner(dispatch: Dispatcher) -> None:
    wait_to_be_tried_again(dispatch)
    dispatch.state(PROJECT).leave_in_peace(100)
    dispatch.changed(PROJECT)
    assert wait_of(dispatch, dispatch.queue, RETRAIN_7) > 100


def test_a_project_set_aside_is_tried_after_a_failure_that_has_missed_changes(
    loop: Loop, dispatch: Dispatcher
) -> None:
    dispatch.state(PROJECT).set_aside("broken", 1000)
    dispatch.after_failure(PROJECT)
    assert loop.jobs() == set()
    dispatch.state(PROJECT).note_changes(1)
    dispatch.after_failure(PROJECT)
    assert loop.jobs() == {RETRAIN_7}


def test_each_failure_takes_twice_as_many_changes_to_be_worth_a_try(dispatch: Dispatcher) -> None:
    state = dispatch.state(PROJECT)
    for needed in (1, 2, 4):
        state.begin_try()
        state.set_aside("broken", 1)
        state.note_changes(needed - 1) if needed > 1 else None
        assert not state.wants_a_try
        state.note_changes(1)
        assert state.wants_a_try


def test_who_insists_waits_for_nothing(loop: Loop, dispatch: Dispatcher) -> None:
    wait_to_be_tried_again(dispatch)
    dispatch.state(PROJECT).set_aside("broken", 1000)
    assert dispatch.insist_on_retrain(PROJECT) == RETRAIN_7
    assert dispatch.queue.get_job_ids() == [RETRAIN_7]
    assert dispatch.state(PROJECT).aside is None


def test_a_job_that_rq_has_lost_makes_room_after_a_second_look(
    loop: Loop, dispatch: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch.request_retrain(PROJECT)
    dispatch.queue.pop_job_id()  # as a process does that is killed at once
    assert not forget_if_lost(loop.redis, RETRAIN_7)
    monkeypatch.setattr(lost, "SURE", 0)
    dispatch.forget_lost_jobs(PROJECT)
    assert not dispatch.is_retraining(PROJECT)
    assert not forget_if_lost(loop.redis, RETRAIN_7)


@pytest.mark.parametrize("waits", ["queued", "scheduled", "finished"])
def test_a_job_that_is_where_it_should_be_is_not_lost(
    loop: Loop, dispatch: Dispatcher, monkeypatch: pytest.MonkeyPatch, waits: str
) -> None:
    monkeypatch.setattr(lost, "SURE", 0)
    loop.set(retrain_pause=100 if waits == "scheduled" else 0)
    if waits == "scheduled":
        dispatch.state(PROJECT).retrained(0)
    Dispatcher(loop.redis, loop.settings).request_retrain(PROJECT)
    if waits == "finished":
        dispatch.queue.pop_job_id()
        job(dispatch, RETRAIN_7).set_status(JobStatus.FINISHED)
    assert not forget_if_lost(loop.redis, RETRAIN_7)
    assert AtlasJob.read(RETRAIN_7, loop.redis) is not None


def test_what_is_due_is_told_by_rediss_clock(loop: Loop, dispatch: Dispatcher) -> None:
    for seconds, project in ((-1, 1), (1000, 2)):
        dispatch.queue.enqueue_at(
            due_in(loop.redis, seconds), "backend.jobs.retrain.retrain", project, job_id=f"retrain-{project}"
        )
    scheduler = RedisClockScheduler([dispatch.queue], connection=loop.redis, serializer=JSONSerializer)
    scheduler.acquire_locks(auto_start=False)
    scheduler.enqueue_scheduled_jobs()
    scheduler.release_locks()
    assert dispatch.queue.get_job_ids() == ["retrain-1"]


def test_one_holds_a_projects_lock_and_a_second_gives_up(loop: Loop) -> None:
    with ProjectLock(loop.redis, PROJECT, 60).held() as lock:
        lock.check()
        loop.redis.delete(*loop.redis.keys("atlas:lock:*"))
        with pytest.raises(LostLock):
            lock.check()
        with (
            ProjectLock(loop.redis, PROJECT, 1).held(),
            pytest.raises(ProjectBusy),
            ProjectLock(loop.redis, PROJECT, 0).held(),
        ):
            pass


@pytest.mark.parametrize("job_id", ["rq-1", "retrain-x", "", "retrain-7", "reconcile", "x" * 5000])
def test_an_unknown_job_has_no_status(loop: Loop, job_id: str) -> None:
    assert job_status(loop.redis, job_id) is None


@pytest.mark.parametrize(
    "record",
    [
        {"function": "os.system", "args": ["true"]},
        {"function": "backend.jobs.retrain.retrain", "args": ["7"]},
        {"function": "backend.jobs.retrain.retrain", "args": [0]},
        {"function": "backend.jobs.reconcile.reconcile", "args": [1]},
    ],
)
def test_a_foreign_job_is_not_run(loop: Loop, dispatch: Dispatcher, record: dict[str, Any]) -> None:
    planted = AtlasJob.create(
        record["function"],
        args=record["args"],
        id=RETRAIN_7,
        connection=loop.redis,
        serializer=JSONSerializer,
    )
    planted.save()
    with pytest.raises(Exception, match="none of this backend's"):
        job(dispatch, RETRAIN_7).perform()


def test_wrong_fields_of_a_job_are_as_if_they_were_not_there(loop: Loop, dispatch: Dispatcher) -> None:
    dispatch.request_retrain(PROJECT)
    key = AtlasJob.key_for(RETRAIN_7)
    wrong = {"status": "weird", "created_at": "x", "timeout": "x", "meta": "[1]", "retry_intervals": "{}"}
    loop.redis.hset(key, mapping=wrong)
    assert job(dispatch, RETRAIN_7).meta == {}
    told = job_status(loop.redis, RETRAIN_7)
    assert told is not None
    assert told["status"] == "failed"
    loop.redis.delete(key)
    loop.redis.set(key, "no hash")
    assert AtlasJob.read(RETRAIN_7, loop.redis) is None


def test_members_that_are_no_projects_are_thrown_out(loop: Loop) -> None:
    loop.redis.sadd("atlas:projects", 4, "abc", -1, "007")
    assert known_projects(loop.redis) == [4]
    assert loop.redis.smembers("atlas:projects") == {b"4"}


def test_a_look_does_what_was_asked_of_it_and_no_more(loop: Loop, dispatch: Dispatcher) -> None:
    project = loop.create(8, labeled=4)
    loop.state(project).note_changes(1)
    for subject in (TASKS, CONNECTION, SETTINGS):
        dispatch.request_look(project.id, subject)
    assert f"look-{project.id}" in loop.jobs()
    done = look(project.id)
    assert set(done) == {TASKS, CONNECTION, SETTINGS}
    assert done[CONNECTION] == "as before"
    assert look(project.id) == {}
    project.connections.clear()
    dispatch.request_look(project.id, CONNECTION)
    dispatch.look_again(project.id)
    assert look(project.id) == {CONNECTION: "no connection to this backend"}
    del loop.fake.projects[project.id]
    dispatch.request_look(project.id, TASKS)
    assert "404" in look(project.id)["reason"]
