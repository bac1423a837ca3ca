"""What passing /predict through to a wrapped backend costs above that backend's own answer.

Runs the real web server and a backend that answers after THINK milliseconds, asks both for one task in turns,
each task once, so that nothing is kept, and prints the medians and the 95th percentiles.
Usage: python -m benchmarks.passing_through [REPEATS] [THINK]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from redis import Redis

from backend.demo.label_studio import free_port
from backend.jobs.state import ProjectState
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from tests.fakes.wrapped import FakeBackend, served

CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    '<Choice value="yes"/><Choice value="no"/></Choices></View>'
)
WARM_UP = 20


def main(repeats: int = 300, think: float = 20) -> None:
    with tempfile.TemporaryDirectory() as folder, Supervisor() as supervisor, served() as theirs:
        theirs.answers["/predict"] = lambda body: _slowly(theirs, body, think / 1000)
        redis_url, port = start_redis(supervisor, Path(folder) / "redis", dict(os.environ)), free_port(0)
        with Redis.from_url(redis_url) as redis:
            state = ProjectState(redis, 1)
            state.note_changes(0)
            state.wraps = theirs.url
        env = {
            **os.environ,
            "DATA_DIR": f"{folder}/data",
            "REDIS_URL": redis_url,
            "PORT": str(port),
            "LABEL_STUDIO_API_KEY": "none",
            "WRAPPED_BACKENDS": theirs.url.removeprefix("http://"),
        }
        command = [sys.executable, "-m", "backend", "serve"]
        supervisor.start("backend", command, env, log=Path(folder) / "web.log")
        ours = f"http://127.0.0.1:{port}"
        with httpx.Client(timeout=30) as http:
            _wait(http, ours)
            took: dict[str, list[float]] = {ours: [], theirs.url: []}
            for number in range(WARM_UP + repeats):
                for url in took:
                    took[url].append(_asked(http, url, 2 * number + (url == ours)))
        through, alone = (each[WARM_UP:] for each in took.values())
        for name, each in (("alone", alone), ("through", through)):
            print(f"{name}: median {_ms(statistics.median(each))}, 95 % within {_ms(_percentile(each))}")
        above = statistics.median(through) - statistics.median(alone)
        print(f"passing through costs {_ms(above)} more (median of {repeats})")


def _slowly(theirs: FakeBackend, body: Any, seconds: float) -> Any:
    time.sleep(seconds)
    return {"results": [theirs.said(task) for task in body["tasks"]]}


def _asked(http: httpx.Client, url: str, task: int) -> float:
    """Seconds of one answer."""
    tasks = [{"id": task + 1, "data": {"text": f"text {task}"}, "annotations": [], "predictions": []}]
    body = {"tasks": tasks, "project": "1.1795472207", "label_config": CONFIG, "params": {"context": None}}
    began = time.perf_counter()
    found = http.post(f"{url}/predict", json=body).json()["results"]
    seconds = time.perf_counter() - began
    if not (found and found[0]["result"]):
        raise SystemExit(f"{url} says nothing of task {task + 1}: {found}")
    return seconds


def _wait(http: httpx.Client, url: str) -> None:
    for _ in range(600):
        try:
            http.get(f"{url}/health")
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the web server does not start")


def _percentile(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
