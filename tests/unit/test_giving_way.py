"""What a job's process leaves to others: processor time, and memory where it runs short."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.jobs import giving_way
from backend.jobs.giving_way import FIRST_TO_GO, LAST, NICENESS, leave_memory, leave_processors


def test_a_job_comes_behind_the_web_server_and_fine_tuning_behind_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[int] = []
    monkeypatch.setattr(os, "nice", given.append)
    leave_processors()
    leave_processors(LAST)
    assert given == [NICENESS, LAST]
    assert 0 < NICENESS < LAST


def test_a_job_is_the_first_to_go_where_memory_runs_short(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    score = tmp_path / "oom_score_adj"
    monkeypatch.setattr(giving_way, "_OOM_SCORE", score)
    leave_memory()
    assert score.read_text() == str(FIRST_TO_GO)


def test_where_the_kernel_has_no_such_score_a_job_runs_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(giving_way, "_OOM_SCORE", tmp_path / "none" / "oom_score_adj")
    leave_memory()
    assert not list(tmp_path.iterdir())
