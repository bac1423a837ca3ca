"""A burst of webhooks at full speed while a retrain runs: is any refused, how long do they wait, and is
every project's last change trained in the end?"""

from __future__ import annotations

import json
import random
import re
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np

from backend.running.backend import inherited_environment
from benchmarks.load.stage import LABELS, Project, Stage, stage

BIG = 20_000
"""Tasks of the project whose retrain runs meanwhile: half a minute and more."""


@dataclass
class Burst:
    """`seconds` each webhook waited for its answer; `refused`: what was said to those not taken."""

    seconds: list[float]
    refused: list[str]

    def __str__(self) -> str:
        p50, p99 = np.percentile(self.seconds, [50, 99]) * 1000
        worst = max(self.seconds) * 1000
        return f"{len(self.refused)} refused; p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {worst:.0f} ms"


def webhooks(folder: Path, count: int, connections: int, n_projects: int) -> int:
    with stage(folder, RETRAIN_WITHIN="5") as running:
        burst, overlapped, late = burst_while_retraining(running, count, connections, n_projects, BIG)
    print(f"{count} webhooks from {connections} connections, {n_projects} projects: {burst}")
    print(f"  a retrain ran before and after: {overlapped}; not trained on their last change: {len(late)}")
    return 1 if burst.refused or late else 0


def burst_while_retraining(
    running: Stage, count: int, connections: int, n_projects: int, n_tasks: int, seconds: float = 900
) -> tuple[Burst, bool, list[Project]]:
    """The burst; whether a retrain was running at its start and its end; the projects that were not trained
    on their last change so many seconds later."""
    rng = random.Random(0)
    big = running.create(1, n_tasks)
    for task in big.tasks[: n_tasks // 10]:
        running.annotate(big, task, rng.choice(LABELS))
    others = [running.create(project_id, 50) for project_id in range(2, n_projects + 2)]
    # Label Studio's own work is done before: only the backend is measured.
    hooks = [json.dumps(running.annotate_some(rng.choice(others), rng)) for _ in range(count)]
    running.send({"action": "START_TRAINING", "project": {"id": big.id}})
    _wait_until(lambda: _retraining(running))
    before = _retraining(running)
    burst = fire(running, hooks, connections)
    overlapped = before and _retraining(running)
    return burst, overlapped, running.wait_until_trained(seconds)


def fire(running: Stage, bodies: list[str], connections: int) -> Burst:
    """From a process of its own, so that what is timed is not this one's other work."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load.webhooks", running.url, str(connections)],
        input="\n".join([json.dumps(running.headers), *bodies]),
        capture_output=True,
        text=True,
        check=True,
        env=inherited_environment(),
    )
    return Burst(**json.loads(done.stdout))


class _Sender:
    """A connection that is kept and sends its share, one webhook after the other."""

    def __init__(self, address: tuple[str, int], requests: list[bytes]):
        self._address = address
        self._rest = iter(requests)
        self.seconds: list[float] = []
        self.refused: list[str] = []
        self.socket = socket.create_connection(address)
        self._answer = b""
        self._started = 0.0

    def send_next(self) -> bool:
        """False when none is left."""
        request = next(self._rest, None)
        if request is not None:
            self._answer, self._started = b"", time.perf_counter()
            self.socket.sendall(request)
        return request is not None

    def receive(self) -> bool:
        """Whether the answer is whole, or there will be none."""
        part = self.socket.recv(65536)
        self._answer += part
        if part and not _is_whole(self._answer):
            return False
        self.seconds.append(time.perf_counter() - self._started)
        if not self._answer.startswith(b"HTTP/1.1 201 "):
            self.refused.append(self._answer[:100].decode("latin1") or "closed without an answer")
        return True


def _is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head.lower())
    return bool(found and length) and len(body) >= int(length[1])


def _send_all(url: str, headers: dict[str, str], bodies: list[str], connections: int) -> dict[str, Any]:
    """All connections in one thread, and no HTTP library: a client that takes as much of the processor as
    the server would time itself."""
    where = urlsplit(url)
    told = {"Host": where.netloc, "Content-Type": "application/json", **headers}
    head = "POST /webhook HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items())
    requests = [f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode() for body in bodies]
    address = (where.hostname or "", where.port or 80)
    senders = [_Sender(address, requests[i::connections]) for i in range(connections)]
    waiting = selectors.DefaultSelector()
    for sender in senders:
        if sender.send_next():
            waiting.register(sender.socket, selectors.EVENT_READ, sender)
    while waiting.get_map():
        for key, _ in waiting.select():
            if key.data.receive() and not key.data.send_next():
                waiting.unregister(key.data.socket)
                key.data.socket.close()
    return {
        "seconds": [second for sender in senders for second in sender.seconds],
        "refused": [reason for sender in senders for reason in sender.refused],
    }


def _retraining(running: Stage) -> bool:
    answer = httpx.get(
        f"{running.url}/job_status", params={"job": "retrain-1"}, headers=running.headers, timeout=60
    )
    return answer.status_code == 200 and answer.json()["status"] == "started"


def _wait_until(holds: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("the retrain did not begin")
        time.sleep(0.05)


if __name__ == "__main__":
    first, *rest = sys.stdin.read().splitlines()
    print(json.dumps(_send_all(sys.argv[1], json.loads(first), rest, int(sys.argv[2]))))
