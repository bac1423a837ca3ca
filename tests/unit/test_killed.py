"""A job's process that the system kills leaves a line that people understand."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
from redis import Redis

from backend.jobs.failed_jobs import FailedJobs
from backend.jobs.failing import REASON, killed


def test_the_log_says_that_a_killed_job_was_perhaps_short_of_memory(
    caplog: pytest.LogCaptureFixture, redis: Redis
) -> None:
    job = SimpleNamespace(id="retrain-3", func_name="another", meta={}, should_retry=True, connection=redis)
    job.save_meta = lambda: None
    with caplog.at_level(logging.ERROR):
        killed(job, 17, 9, None)  # type: ignore[arg-type]
    assert caplog.messages == ["retrain-3: its process was killed by signal 9, perhaps for its memory"]
    assert job.meta[REASON] == "its process was killed by signal 9, perhaps for its memory"
    assert [(each.kind, each.reason) for each in FailedJobs(redis, 3).last(5)] == [
        ("retrain", job.meta[REASON])
    ]
