"""A worker's jobs, run in this process on a fake Label Studio: what each leaves behind and what it causes."""

from __future__ import annotations

import errno
import re
import signal
from time import sleep
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Response
from redis import RedisError
from rq import Queue
from rq.exceptions import AbandonedJobError
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException

from backend.controls.scheme import LabelScheme
from backend.errors import AtlasError, LostLock, NotConfigured, Unavailable
from backend.jobs import retrain as retraining
from backend.jobs.failing import failed, killed
from backend.jobs.job import AtlasJob
from backend.jobs.kinds import CLEAR, QUEUE_NAME
from backend.jobs.measures import Measures
from backend.jobs.newcomers import Newcomers
from backend.jobs.status import job_status
from backend.jobs.time_limit import TimeLimit
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.worker import WorkerHere


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    loop.set(retrain_within=0, clear_after=0)
    return loop.create(12, labeled=4)


def work(loop: Loop) -> None:
    WorkerHere(loop.redis).run()


def retrain_job(loop: Loop, project: FakeProject) -> AtlasJob:
    job_id = loop.dispatcher.request_retrain(project.id)
    return AtlasJob.fetch(job_id, connection=loop.redis, serializer=JSONSerializer)


def test_a_retrain_is_done_counted_and_told_of(loop: Loop, project: FakeProject) -> None:
    job_id = loop.dispatcher.demand_retrain(project.id)
    work(loop)
    told = job_status(loop.redis, job_id)
    assert told is not None
    assert (told["status"], told["result"]["published"]) == ("finished", True)
    measures = Measures(loop.redis)
    assert measures.counters()["retrains"][project.id, "published"] == 1
    assert measures.of(project.id)["labels"] == 4
    assert loop.state(project).unseen == 0


def test_what_lands_while_a_retrain_runs_causes_one_more(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = retraining.pull
    calls = []

    def pull(*args: Any) -> Any:
        tasks = once(*args)
        calls.append(1)
        if len(calls) == 1:
            loop.label(project, next(task for task, row in project.tasks.items() if not row["is_labeled"]))
        return tasks

    monkeypatch.setattr(retraining, "pull", pull)
    loop.dispatcher.demand_retrain(project.id)
    work(loop)
    assert len(calls) == 2
    stats = loop.versions(project).stats(loop.versions(project).names()[-1])
    assert stats["trained_on"] == 5


def test_few_annotations_are_flushed_into_a_retrain(loop: Loop, project: FakeProject) -> None:
    loop.dispatcher.request_flush(project.id)
    work(loop)
    assert project.settings["model_version"]


def test_a_flush_without_anything_new_does_nothing(loop: Loop, project: FakeProject) -> None:
    loop.state(project).retrained(loop.state(project).changes)
    loop.dispatcher.request_flush(project.id)
    work(loop)
    assert project.settings["model_version"] is None


def test_a_refill_is_counted_and_done_again_where_it_is_owed(loop: Loop, project: FakeProject) -> None:
    loop.set(queue_head=4)
    loop.retrain(project)
    for task in loop.queue(project)[:2]:
        loop.label(project, task)
    loop.dispatcher.request_refill(project.id)
    work(loop)
    assert Measures(loop.redis).of(project.id)["head"] == 4
    assert len(loop.queue(project)) == 4


def test_old_versions_are_cleared_after_a_retrain(loop: Loop, project: FakeProject) -> None:
    for _ in range(3):
        loop.label(project, next(task for task, row in project.tasks.items() if not row["is_labeled"]))
        loop.dispatcher.demand_retrain(project.id)
        work(loop)
    assert len(project.version_sizes()) == 2
    assert not loop.state(project).owes(CLEAR)


def test_a_look_at_everything_is_a_job_too(loop: Loop, project: FakeProject) -> None:
    loop.state(project).note_changes(1)
    loop.dispatcher.request_reconcile()
    work(loop)
    told = job_status(loop.redis, "reconcile")
    assert told is not None
    assert str(project.id) in told["result"]


def test_newcomers_are_looked_for_and_those_that_exist_get_a_first_order(
    loop: Loop, project: FakeProject
) -> None:
    newcomers = Newcomers(loop.redis)
    loop.redis.flushdb()
    for named in (project.id, 999, 998):
        newcomers.name(named, 100)
    loop.dispatcher.request_admission()
    work(loop)
    assert len(newcomers) == 0
    assert project.settings["model_version"]
    assert {int(member) for member in loop.redis.smembers("atlas:projects")} == {project.id}


def test_a_job_past_its_time_ends_where_every_fault_of_a_task_or_a_store_is_gone_on_after(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading a task, or asking a store, catches whatever goes wrong in it."""
    loop.set(job_timeout=1)
    monkeypatch.setattr(LabelScheme, "text_of", lambda *_: sleep(30))
    job_id = loop.dispatcher.demand_retrain(project.id)
    work(loop)
    told = job_status(loop.redis, job_id)
    assert told is not None
    assert told["status"] != "finished"
    assert "maximum timeout value (1 seconds)" in told["error"]


def test_a_job_that_ends_as_its_time_is_up_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled: list[int] = []

    def fires_once(seconds: int) -> None:
        cancelled.append(seconds)
        if len(cancelled) == 1:
            limit.handle_death_penalty(signal.SIGALRM, None)

    limit = TimeLimit(100, JobTimeoutException)
    with limit:
        signal.alarm(0)
        monkeypatch.setattr(signal, "alarm", fires_once)
    assert cancelled == [0, 0]
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_a_failed_retrain_keeps_its_reason_and_waits_to_be_tried_again(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(retraining, "pull", broken)
    job_id = loop.dispatcher.demand_retrain(project.id)
    work(loop)
    told = job_status(loop.redis, job_id)
    assert told is not None
    assert (told["status"], told["error"]) == ("scheduled", "ZeroDivisionError: a fault of ours")
    assert Measures(loop.redis).counters()["retrains"][project.id, "failed"] == 1
    assert loop.state(project).aside is None


def test_a_failed_refill_harms_no_project(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    loop.fake.before = lambda request: Response("no", 403)
    loop.dispatcher.request_refill(project.id)
    work(loop)
    loop.fake.before = None
    told = job_status(loop.redis, f"refill-{project.id}")
    assert told is not None
    assert "LABEL_STUDIO_API_KEY" in told["error"]
    assert loop.state(project).aside is None


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (NotConfigured("no key is set"), r"failed: no key is set"),
        (ZeroDivisionError("a fault"), r"(?s).*Traceback.*, in broken.*a fault\n"),
    ],
)
def test_an_error_of_ours_is_logged_as_one_sentence_others_with_their_traceback(
    loop: Loop,
    project: FakeProject,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    logged: str,
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(retraining, "pull", broken)
    loop.dispatcher.demand_retrain(project.id)
    work(loop)
    (message,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert re.fullmatch(logged, message)


@pytest.mark.parametrize(
    ("error", "aside"),
    [
        (AtlasError("a sentence"), True),
        (ZeroDivisionError("x"), True),
        (AbandonedJobError(), True),
        (LostLock("taken over"), False),
        (Unavailable("Label Studio is down"), False),
        (RedisError("away"), False),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (OSError(errno.EACCES, "Permission denied"), True),
    ],
)
def test_only_a_fault_of_the_projects_own_sets_it_aside(
    loop: Loop, project: FakeProject, error: BaseException, aside: bool
) -> None:
    loop.settings.data_dir.mkdir(parents=True, exist_ok=True)
    job = retrain_job(loop, project)
    job.retries_left = 0
    assert failed(job, type(error), error, None)
    assert (loop.state(project).aside is not None) == aside
    reason = job.meta["reason"]
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        assert "make room" in reason
    elif isinstance(error, AbandonedJobError):
        assert "vanished" in reason
    else:
        assert str(error) in reason


def test_label_studios_wish_to_be_left_alone_is_heeded(loop: Loop, project: FakeProject) -> None:
    job = retrain_job(loop, project)
    failed(job, Unavailable, Unavailable("too many requests", 77), None)
    assert job.retry_intervals is not None
    assert min(job.retry_intervals) >= 77
    assert loop.state(project).is_left_in_peace


def test_a_killed_jobs_signal_is_told(
    loop: Loop, project: FakeProject, caplog: pytest.LogCaptureFixture
) -> None:
    job = retrain_job(loop, project)
    job.retries_left = 0
    killed(job, 1, signal.SIGKILL, None)
    assert "by signal 9" in caplog.text
    assert "memory" in (loop.state(project).aside or "")


def test_an_annotation_ends_a_projects_time_aside_by_one_try(loop: Loop, project: FakeProject) -> None:
    loop.state(project).set_aside("broken", 1000)
    assert loop.dispatcher.request_retrain(project.id) not in loop.jobs()
    loop.dispatcher.changed(project.id)
    work(loop)
    assert loop.state(project).aside is None
    assert project.settings["model_version"]


def test_a_job_handed_back_is_the_next_to_be_done(loop: Loop, project: FakeProject) -> None:
    job = retrain_job(loop, project)
    loop.dispatcher.queue.remove(job)
    worker = WorkerHere(loop.redis)
    worker._hand_back(job, Queue(QUEUE_NAME, connection=loop.redis, serializer=JSONSerializer))
    assert loop.dispatcher.queue.get_job_ids() == [f"retrain-{project.id}"]


def test_a_redis_that_is_away_for_a_moment_does_not_end_a_job(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = WorkerHere(loop.redis)

    def away(*_: object, **__: object) -> None:
        raise RedisError("gone for lunch")

    monkeypatch.setattr("rq.Worker.maintain_heartbeats", away)
    worker.maintain_heartbeats(SimpleNamespace(id="retrain-1"), None)  # type: ignore[arg-type]
    assert "gone for lunch" in caplog.text
