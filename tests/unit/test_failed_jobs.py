"""What went wrong of a project's jobs, and whether it has worked since."""

from __future__ import annotations

import json
from itertools import count
from types import SimpleNamespace

import pytest
from redis import Redis

from backend.doctor import for_pages
from backend.doctor.finding import Finding, State
from backend.doctor.for_pages import examine_for_page, last_findings
from backend.jobs.failed_jobs import FailedJob, FailedJobs
from backend.jobs.heartbeat import last_beat
from backend.jobs.keys import failed_key, failing_key, worked_key
from backend.jobs.worker import AtlasWorker


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """One second for each look at it, from 1 on."""
    seconds = count(1)
    told = SimpleNamespace(time=lambda: float(next(seconds)))
    for module in ("jobs.failed_jobs", "jobs.heartbeat", "doctor.for_pages"):
        monkeypatch.setattr(f"backend.{module}.time", told)


def test_a_failure_lasts_until_a_job_of_its_kind_ends_well(redis: Redis) -> None:
    jobs = FailedJobs(redis, 1)
    jobs.note("retrain", "away")
    jobs.note("refill", "away")
    jobs.note("retrain", "still away")
    assert [(each.kind, each.again, each.lasts) for each in jobs.last(9)] == [
        ("retrain", None, True),
        ("refill", None, True),
        ("retrain", None, True),
    ]
    assert (jobs.failing_since("retrain"), jobs.failing_since("refill")) == (1.0, 2.0)
    jobs.worked("retrain")
    assert [(each.kind, each.again, each.lasts) for each in jobs.last(9)] == [
        ("retrain", 4.0, False),
        ("refill", None, True),
        ("retrain", 4.0, False),
    ]
    assert (jobs.failing_since("retrain"), jobs.failing_since("refill")) == (None, 2.0)


def test_a_failure_after_one_that_is_over_begins_anew(redis: Redis) -> None:
    jobs = FailedJobs(redis, 1)
    jobs.note("retrain", "first")
    jobs.worked("retrain")
    jobs.worked("retrain")  # what works goes on working, and is not written down
    jobs.note("retrain", "second")
    told = {each.reason: (each.again, each.lasts) for each in jobs.last(9)}
    assert told == {"first": (2.0, False), "second": (None, True)}
    assert jobs.failing_since("retrain") == 3.0
    assert redis.llen(worked_key(1)) == 1


def test_of_what_an_earlier_release_noted_nothing_more_is_said(redis: Redis) -> None:
    redis.lpush(failed_key(1), json.dumps([1.5, "retrain", "why"]))
    assert FailedJobs(redis, 1).last(9) == [FailedJob(1.5, "retrain", "why", None, False)]
    assert FailedJobs(redis, 1).failing_since("retrain") is None


def test_another_projects_jobs_and_what_is_no_record_change_nothing(redis: Redis) -> None:
    jobs = FailedJobs(redis, 1)
    jobs.note("retrain", "why")
    FailedJobs(redis, 2).worked("retrain")
    for content in (b"", b"[]", b"[1e999, 2]", b"{}", b'["x", "retrain"]', b"\xff"):
        redis.lpush(worked_key(1), content)
    assert jobs.failing_since("retrain") == 1.0
    redis.delete(worked_key(1), failing_key(1))
    redis.set(worked_key(1), "x")
    redis.set(failing_key(1), "x")
    assert [each.lasts for each in jobs.last(9)] == [False]


def test_a_workers_sign_of_life_outlives_it(redis: Redis) -> None:
    assert last_beat(redis) is None
    worker = AtlasWorker(["atlas"], 60, redis)
    worker.heartbeat()
    assert last_beat(redis) == 1.0
    with redis.pipeline() as pipeline:
        worker.heartbeat(30, pipeline)
        pipeline.execute()
    redis.delete(worker.key)
    assert last_beat(redis) == 2.0


def test_what_the_doctor_finds_wrong_is_told_since_it_was_first_seen(
    redis: Redis, session_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", session_redis)

    def look(**states: State) -> dict[str, float]:
        found = [Finding(state, "found", check=check) for check, state in states.items()]
        monkeypatch.setattr(for_pages, "examine", lambda bench, project_id: found)
        examine_for_page(1)
        looked = last_findings(redis, 1)
        assert looked is not None
        return {**looked.since, "at": looked.at}

    assert look(webhook=State.WRONG, retrain=State.OK) == {"webhook": 1.0, "at": 1.0}
    assert look(webhook=State.NOT_CHECKED, retrain=State.WRONG) == {"webhook": 1.0, "retrain": 2.0, "at": 2.0}
    assert look(webhook=State.WRONG, retrain=State.WRONG) == {"webhook": 1.0, "retrain": 2.0, "at": 3.0}
    assert look(webhook=State.OK, retrain=State.NOTE) == {"at": 4.0}
    assert look(webhook=State.WRONG, retrain=State.OK) == {"webhook": 5.0, "at": 5.0}
