"""A web server that is told to stop does not go through torch and all else that was imported once more."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.service.test_under_hand import serving

HOOKS = """
import atexit, gc, json, os, sys

def tell():
    slow = [name for name in ("label_studio_sdk.label_interface", "jsf") if name in sys.modules]
    with open(os.environ["TOLD"], "a") as file:
        file.write(json.dumps([os.getpid(), len(gc.get_objects()), gc.get_freeze_count(), slow]) + chr(10))

atexit.register(tell)
"""
"""A configuration of gunicorn's: read before the application is, it speaks last."""


def test_master_and_worker_end_with_nothing_left_to_look_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks, told = tmp_path / "hooks.py", tmp_path / "told"
    hooks.write_text(HOOKS)
    monkeypatch.setenv("GUNICORN_CMD_ARGS", f"--config {hooks}")
    monkeypatch.setenv("TOLD", str(told))
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    with serving(tmp_path) as url:
        assert httpx.get(f"{url}/health", trust_env=False).is_success
    processes = [json.loads(line) for line in told.read_text().splitlines()]
    assert len({process for process, *_ in processes}) == len(processes) == 2, (
        tmp_path / "web.log"
    ).read_text()
    for _, left, passed_over, slow in processes:
        assert left < 1_000 < 100_000 < passed_over
        assert slow == []
