"""`label-studio-atlas up`: real Redis, web server and worker under one parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from backend.demo.label_studio import free_port
from backend.running.backend import inherited_environment
from tests.e2e.steps import wait_until


@dataclass(frozen=True)
class Up:
    """A running `up`."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def parts(self) -> list[int]:
        return children(self.process.pid)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Once it says that all parts run: a part that dies before ends all of it, with the reason."""
    port, log = free_port(0), tmp_path / "up.log"
    command = [sys.executable, "-m", "backend", "up", "--port", str(port), "--data-dir", str(tmp_path / "d")]
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, env=inherited_environment(), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: process.poll() is not None or "All parts are running" in log.read_text())
        assert process.poll() is None, log.read_text()
        yield Up(process, f"http://127.0.0.1:{port}", log)
    finally:
        process.terminate()
        process.wait(60)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.2)
    return False


def test_term_stops_all_of_it_cleanly(up: Up) -> None:
    event = {"action": "PROJECT_UPDATED", "project": {"id": 1}}
    assert httpx.post(f"{up.url}/webhook", json=event).status_code == 201
    parts = up.parts()
    assert len(parts) == 5  # Redis, two workers, cron, the web server
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(60) == 0
    assert gone(parts)


def test_a_part_that_dies_is_started_again(up: Up) -> None:
    """Redis, with its data, and a worker: the others outlive it."""
    redis, worker, *others = up.parts()
    assert httpx.post(f"{up.url}/train", json={"project": 1}).json() == {"job": "retrain-1"}
    os.kill(worker, signal.SIGKILL)
    os.kill(redis, signal.SIGKILL)
    assert gone([redis, worker])
    wait_until(lambda: httpx.get(f"{up.url}/job_status?job=retrain-1").status_code == 200)
    wait_until(lambda: len(up.parts()) == 5)
    assert others[-1] in up.parts()  # the web server
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(60) == 0
    assert up.log.read_text().count("ended by itself") >= 2


def test_a_killed_worker_leaves_nothing_behind(up: Up) -> None:
    """Its scheduler is a process of its own, and so is each job."""
    worker = up.parts()[1]
    wait_until(lambda: bool(children(worker)))
    scheduler = children(worker)
    os.kill(worker, signal.SIGKILL)
    assert gone([worker, *scheduler])


def test_nothing_is_left_behind_when_the_parent_is_killed(up: Up) -> None:
    parts = up.parts()
    up.process.kill()
    up.process.wait()
    assert gone(parts)
