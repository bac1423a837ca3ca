"""A burst of webhooks at full speed while a retrain runs: is any refused, how long do they wait, and is
every project's last change trained in the end?"""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
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
    """`seconds` each webhook waited for its answer; `refused`: how many were not taken."""

    seconds: list[float]
    refused: int

    def __str__(self) -> str:
        p50, p99 = np.percentile(self.seconds, [50, 99]) * 1000
        worst = max(self.seconds) * 1000
        return f"{self.refused} refused; p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {worst:.0f} ms"


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


def _send_all(url: str, headers: dict[str, str], bodies: list[str], connections: int) -> dict[str, Any]:
    """Each connection is kept and sends its share, one webhook after the other."""
    seconds: list[float] = []
    refused: list[str] = []

    def run(share: list[str]) -> None:
        host = urlsplit(url).netloc
        connection = http.client.HTTPConnection(host, timeout=60)
        for body in share:
            started = time.perf_counter()
            try:
                connection.request("POST", "/webhook", body, {**headers, "Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 201:
                    refused.append(str(answer.status))
            except (OSError, http.client.HTTPException) as error:
                refused.append(repr(error))
                connection.close()
            seconds.append(time.perf_counter() - started)

    threads = [Thread(target=run, args=(bodies[i::connections],)) for i in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"seconds": seconds, "refused": len(refused)}


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
