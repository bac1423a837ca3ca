"""Many clients ask for predictions while models are replaced: is every answer whole and of one version?"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.load.stage import LABELS, Project, Stage, stage
from tests.fakes.project import CONFIG

PROJECT = 1000
VERSIONS = 3
"""Models that must have answered before the clients end."""
MAX_SECONDS = 300


@dataclass
class Asked:
    """`wrong`: what was wrong with an answer; `versions`: which models answered."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)


def predict(folder: Path, clients: int, requests: int, n_tasks: int) -> int:
    with stage(folder, RETRAIN_EVERY="1", RETRAIN_PAUSE="0") as running:
        asked = ask_while_models_are_replaced(running, clients, requests, n_tasks)
    p50, p99 = np.percentile(asked.seconds, [50, 99])
    rate = n_tasks * len(asked.seconds) / sum(asked.seconds) * clients
    print(f"{clients} clients, {requests} requests each of {n_tasks} tasks: {len(asked.wrong)} wrong")
    print(
        f"  answered by {len(asked.versions)} versions; p50 {p50:.2f} s, p99 {p99:.2f} s, {rate:.0f} tasks/s"
    )
    print("".join(f"  {problem}\n" for problem in asked.wrong[:5]), end="")
    return 1 if asked.wrong or len(asked.versions) < VERSIONS else 0


def ask_while_models_are_replaced(running: Stage, clients: int, requests: int, n_tasks: int) -> Asked:
    """Each client asks one request after the other, and goes on until three models have answered."""
    rng = random.Random(0)
    project = running.create(PROJECT, 4 * n_tasks)
    for i, task in enumerate(project.tasks[:20]):
        running.annotate(project, task, LABELS[i % 2])
    running.send({"action": "START_TRAINING", "project": {"id": project.id}})
    if running.wait_until_trained(120):
        raise TimeoutError("the first model was not trained")
    asked = Asked()
    with ThreadPoolExecutor(clients) as pool:
        ends = [
            pool.submit(_client, running, project, seed, requests, n_tasks, asked) for seed in range(clients)
        ]
        while not all(end.done() for end in ends):
            running.send(running.annotate_some(project, rng))
            time.sleep(0.3)
        for end in ends:
            end.result()
    return asked


def _client(running: Stage, project: Project, seed: int, requests: int, n_tasks: int, asked: Asked) -> None:
    rng = random.Random(seed)
    deadline = time.monotonic() + MAX_SECONDS
    with httpx.Client(base_url=running.url, headers=running.headers, timeout=120) as http:
        while (requests > 0 or len(asked.versions) < VERSIONS) and time.monotonic() < deadline:
            requests -= 1
            ids = rng.sample(project.tasks, n_tasks)
            tasks = [{"id": task, "data": {"text": f"flood in the town of {task}"}} for task in ids]
            body = {"tasks": tasks, "project": f"{project.id}.1", "label_config": CONFIG}
            started = time.perf_counter()
            answer = http.post("/predict", json=body)
            asked.seconds.append(time.perf_counter() - started)
            asked.wrong += wrong(answer, n_tasks)
            if answer.status_code == 200:
                asked.versions |= {item["model_version"] for item in answer.json()["results"]}


def wrong(answer: httpx.Response, n_tasks: int) -> list[str]:
    """What is not as it should be: whole, of one version, every score in (0, 1), something to say."""
    if answer.status_code != 200:
        return [f"{answer.status_code} {answer.text[:100]}"]
    results: list[dict[str, Any]] = answer.json()["results"]
    found = []
    if len(results) != n_tasks:
        found.append(f"{len(results)} results for {n_tasks} tasks")
    if len({item["model_version"] for item in results}) > 1:
        found.append("two versions in one answer")
    if not all(0 < item["score"] < 1 and item["probabilities"] for item in results):
        found.append("a score out of place, or nothing to say")
    return found
