"""`label-studio-atlas up`: real Redis, web server and worker under one parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from backend.demo.label_studio import free_port
from backend.running.backend import inherited_environment
from tests.e2e.steps import wait_until


@pytest.fixture
def up(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port(0)
    command = [sys.executable, "-m", "backend", "up", "--port", str(port), "--data-dir", str(tmp_path / "d")]
    process = subprocess.Popen(
        command, env=inherited_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/health").status_code == 200:
                break
        except httpx.HTTPError:
            time.sleep(0.2)
    yield process, url
    if process.poll() is None:
        process.terminate()
    process.wait(60)
    if process.stdout is not None:
        process.stdout.close()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.2)
    return False


def test_term_stops_all_of_it_cleanly(up: tuple[subprocess.Popen[str], str]) -> None:
    process, url = up
    assert (
        httpx.post(f"{url}/webhook", json={"action": "PROJECT_UPDATED", "project": {"id": 1}}).status_code
        == 201
    )
    parts = children(process.pid)
    assert len(parts) == 5  # Redis, two workers, cron, the web server
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert gone(parts)


def test_a_part_that_dies_is_started_again(up: tuple[subprocess.Popen[str], str]) -> None:
    """Redis, with its data, and a worker: the others outlive it."""
    process, url = up
    redis, worker, *others = children(process.pid)
    assert httpx.post(f"{url}/train", json={"project": 1}).json() == {"job": "retrain-1"}
    os.kill(worker, signal.SIGKILL)
    os.kill(redis, signal.SIGKILL)
    assert gone([redis, worker])
    wait_until(lambda: httpx.get(f"{url}/job_status?job=retrain-1").status_code == 200)
    wait_until(lambda: len(children(process.pid)) == 5)
    assert others[-1] in children(process.pid)  # the web server
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert process.communicate()[0].count("ended by itself") >= 2


def test_a_killed_worker_leaves_nothing_behind(up: tuple[subprocess.Popen[str], str]) -> None:
    """Its scheduler is a process of its own, and so is each job."""
    process, _ = up
    worker = children(process.pid)[1]
    wait_until(lambda: bool(children(worker)))
    scheduler = children(worker)
    os.kill(worker, signal.SIGKILL)
    assert gone([worker, *scheduler])


def test_nothing_is_left_behind_when_the_parent_is_killed(up: tuple[subprocess.Popen[str], str]) -> None:
    process, _ = up
    parts = children(process.pid)
    process.kill()
    process.wait()
    assert gone(parts)
