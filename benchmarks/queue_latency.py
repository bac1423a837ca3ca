"""From an annotation to the re-ordered queue, beside what Label Studio's own calls cost alone.

Starts a fresh Label Studio and the backend, labels one task at a time with RETRAIN_EVERY=1, and waits
each time until the project's version has been changed and the job has ended. Between the labels, with
nothing else going on, this script makes the same import and switch of version itself, so both meet the
same number of stored predictions. Usage: python benchmarks/queue_latency.py [TASKS] [REPEATS]
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import httpx

from backend.demo.data import load
from backend.demo.environment import install_label_studio
from backend.demo.label_studio import LabelStudioServer, free_port, start_label_studio
from backend.demo.project import DemoProject
from backend.running.backend import inherited_environment, start_backend
from backend.running.supervisor import Supervisor
from backend.settings import Settings

WARM_UP = 10
"""Labels given before anything is measured: the first ones come before there are two classes."""


def main(tasks: int = 10_000, repeats: int = 15) -> None:
    rows = _rows(tasks)
    # One client for all questions: a new one reads certificates, for 50 ms of a processor.
    with tempfile.TemporaryDirectory() as folder, Supervisor() as supervisor, httpx.Client() as http:
        server = start_label_studio(
            supervisor, install_label_studio(Settings().cache_dir), Path(folder) / "ls", free_port(0)
        )
        settings = Settings(data_dir=Path(folder) / "atlas", port=free_port(0))
        settings.data_dir.mkdir()
        env = {
            **inherited_environment(),
            "LABEL_STUDIO_URL": server.url,
            "LABEL_STUDIO_API_KEY": server.access_token(),
            "RETRAIN_EVERY": "1",
            "RETRAIN_PAUSE": "0",
            "RECONCILE_EVERY": "100000",
            "CLEAR_AFTER": "100000",  # else it clears old versions while this script makes its own calls
            "REDIS_URL": "",
        }
        start_backend(supervisor, settings, env, logs=settings.data_dir)
        project = DemoProject(
            server.admin.http, "latency", sorted({label for _, label in rows}), [text for text, _ in rows]
        )
        backend_url = f"http://localhost:{settings.port}"
        project.connect(backend_url)
        version = project.wait_for_version_after("", supervisor.check)
        _hide_our_own_switches(server, project)
        label_of = dict(zip(project.task_ids, (label for _, label in rows), strict=True))
        ours, alone, stages = [], [], []
        for i, task in enumerate(project.task_ids[: WARM_UP + repeats]):
            started = _annotate(server, task, label_of[task])
            version, ended, laps = _retrained(http, backend_url, project, version)
            assert project.model_version() == version
            ours.append(ended - started)
            stages.append(laps)
            if i >= WARM_UP:
                alone.append(_import_and_switch(server, project, version, f"alone-{i}"))
        ours = ours[WARM_UP:]
        print(f"{tasks} tasks, median (smallest to largest) of {repeats}:")
        print(f"  annotation to re-ordered queue      {_spread(ours)}")
        print(f"  import of the head + switch alone   {_spread(alone)}")
        print(
            f"  ratio of the medians                {statistics.median(ours) / statistics.median(alone):.2f}"
        )
        medians = {name: statistics.median(laps[name] for laps in stages[WARM_UP:]) for name in stages[-1]}
        print("  of the job:", ", ".join(f"{name} {seconds:.2f} s" for name, seconds in medians.items()))
        print("  last retrain:", (settings.data_dir / "worker.log").read_text().splitlines()[-1])


def _rows(tasks: int) -> list[tuple[str, str]]:
    """Texts and labels: those of the demo, each behind a dozen words of others, so that no two are alike."""
    pool, draw = load(None, 0).pool, random.Random(0)
    words = " ".join(text for text, _ in pool).split()
    rows = (pool[i % len(pool)] for i in range(tasks))
    return [(" ".join((*draw.choices(words, k=12), text)), label) for text, label in rows]


def _hide_our_own_switches(server: LabelStudioServer, project: DemoProject) -> None:
    """The backend would mend what this script does to the project's version."""
    for hook in server.admin.http.get("/api/webhooks/", params={"project": project.id}).json():
        only = {"url": hook["url"], "send_for_all_actions": False, "actions": ["ANNOTATION_CREATED"]}
        server.admin.http.patch(f"/api/webhooks/{hook['id']}/", json=only).raise_for_status()


def _annotate(server: LabelStudioServer, task: int, label: str) -> float:
    """Returns when Label Studio had it."""
    result = [{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}]
    server.admin.http.post(f"/api/tasks/{task}/annotations/", json={"result": result}).raise_for_status()
    return time.time()


def _retrained(
    http: httpx.Client, backend_url: str, project: DemoProject, version: str
) -> tuple[str, float, dict[str, float]]:
    """The next version, when its job ended (seconds since the epoch), and the seconds of its stages.

    The backend is asked, not Label Studio: it serves one request at a time, and asking it all the while
    would slow down the very calls that are measured.
    """
    while True:
        job = http.get(f"{backend_url}/job_status", params={"job": f"retrain-{project.id}"}).json()
        if job["status"] == "finished" and job["result"]["model_version"] != version:
            ended = datetime.fromisoformat(job["ended_at"]).timestamp()
            return job["result"]["model_version"], ended, job["result"]["seconds"]
        time.sleep(0.5)  # what is measured is when the job says it ended


def _import_and_switch(server: LabelStudioServer, project: DemoProject, version: str, name: str) -> float:
    http = server.admin.http
    stored = http.get("/api/predictions", params={"project": project.id}).json()
    body = [
        {"task": p["task"], "result": p["result"], "score": p["score"], "model_version": name}
        for p in stored
        if p["model_version"] == version
    ]
    started = time.perf_counter()
    http.post(f"/api/projects/{project.id}/import/predictions", json=body).raise_for_status()
    http.patch(f"/api/projects/{project.id}/", json={"model_version": name}).raise_for_status()
    return time.perf_counter() - started


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
