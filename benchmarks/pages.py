"""How long a project's page takes to answer, with a short history and with a long one.

python -m benchmarks.pages
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from redis import Redis

from backend.jobs.page_links import Invited, make_link
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.store.history import Entry, History
from backend.store.locations import project_files
from backend.web import create_app

RETRAINS = (20, 20_000)
AGAIN = 20


def entry(i: int) -> Entry:
    """Of a project with 30 classes, about as long as real ones."""
    labels = {f"class {c}": i for c in range(30)}
    estimate = {"accuracy": {"value": 0.8, "low": 0.75, "high": 0.85}, "audited": i, "share": 0.05}
    told = {"version": f"atlas-{i + 1:06d}", "at": "2026-11-27T20:00:00+00:00", "published": True}
    return {**told, "trained_on": 5 * i, "accuracy": 0.7, "labels": labels, "estimate": estimate}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Supervisor() as supervisor:
        url = start_redis(supervisor, Path(folder), dict(os.environ))
        settings = Settings(data_dir=Path(folder), redis_url=url)
        for project, retrains in enumerate(RETRAINS, 1):
            History(project_files(settings, project)).add([entry(i) for i in range(retrains)])
        client = create_app(settings).test_client()
        with Redis.from_url(url) as redis:
            code = make_link(redis, settings, Invited("bench", False)).split("code=")[1]
            client.post("/projects/enter", data={"code": code})
        for project, retrains in enumerate(RETRAINS, 1):
            first, *later = [seconds_of(client, project) for _ in range(AGAIN + 1)]
            again = statistics.median(later)
            print(f"{retrains:6} retrains: first {1000 * first:.0f} ms, then {1000 * again:.0f} ms (median)")


def seconds_of(client: object, project: int) -> float:
    began = time.perf_counter()
    answer = client.get(f"/projects/{project}")  # type: ignore[attr-defined]
    assert answer.status_code == 200, answer.status_code
    assert "cannot be shown" not in answer.text
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
