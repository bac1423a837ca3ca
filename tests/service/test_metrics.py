"""/metrics with real processes: gunicorn's workers count together, and jobs that live for one fork only."""

from __future__ import annotations

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from redis import Redis

from backend.demo.label_studio import free_port
from backend.jobs.dispatch import Dispatcher
from backend.jobs.measures import Measures
from backend.jobs.newcomers import Newcomers
from backend.running.backend import inherited_environment
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from tests.e2e.installation import answers

DASHBOARD = Path(__file__).parents[2] / "docker" / "grafana" / "dashboard.json"


def value(metrics: str, name: str) -> float:
    """Of the sample whose name and labels begin like this; their sum where several do; 0 for none."""
    lines = [line for line in metrics.splitlines() if line.startswith(name)]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def test_several_processes_count_together(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        port = free_port(0)
        url = f"http://127.0.0.1:{port}"
        env = {
            **inherited_environment(),
            "REDIS_URL": start_redis(supervisor, tmp_path, inherited_environment()),
            "DATA_DIR": str(tmp_path),
            "PORT": str(port),
            "WEB_WORKERS": "3",
            "WEB_THREADS": "1",
            "LABEL_STUDIO_URL": "http://127.0.0.1:1",  # where nobody answers: each retrain fails
            "LABEL_STUDIO_API_KEY": "0" * 40,
        }
        this = [sys.executable, "-m", "backend"]
        up = lambda: answers(f"{url}/health")  # noqa: E731
        supervisor.start("serve", [*this, "serve"], env, log=tmp_path / "serve.log", ready=up)
        supervisor.start("worker", [*this, "worker"], env, log=tmp_path / "worker.log")
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: httpx.get(f"{url}/versions"), range(60)))
        dispatcher = Dispatcher.from_settings(Settings(redis_url=env["REDIS_URL"]))
        for project in (1, 2, 3):
            Newcomers(dispatcher.redis).let_in(project)
            dispatcher.changed(project, 5)
        # One that was trained when it was connected, and that nobody has annotated since.
        done = {"trained_on": 8, "tasks": 30, "waiting": 22, "head": 20, "seconds": {"pull": 0.5}}
        Measures(dispatcher.redis).retrained(9, {"model_version": "atlas-000001", "published": True, **done})

        deadline = time.monotonic() + 120
        while value(httpx.get(f"{url}/metrics").text, 'atlas_retrains_total{outcome="failed"') < 3:
            assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
            time.sleep(0.5)
        for _ in range(6):  # whoever of the three answers
            metrics = httpx.get(f"{url}/metrics").text
            assert value(metrics, 'atlas_http_requests_total{endpoint="versions",status="200"}') == 60
            assert value(metrics, 'atlas_http_request_seconds_count{endpoint="versions"}') == 60
        for project in (1, 2, 3):  # once each: the next attempt comes after 5 s
            assert value(metrics, f'atlas_annotations_heard_total{{project="{project}"}}') == 5
            assert value(metrics, f'atlas_unseen_annotations{{project="{project}"}}') == 5
        assert value(metrics, 'atlas_labels{project="9"}') == 8
        assert value(metrics, 'atlas_head_tasks{project="9"}') == 20
        assert 'atlas_order_age_seconds{project="9"}' in metrics
        assert value(metrics, 'atlas_http_requests_total{endpoint="metrics",status="200"}') > 0
        assert value(metrics, 'atlas_workers{queue="atlas"}') == 1
        assert value(metrics, "atlas_redis_up") == 1
        assert_the_dashboard_asks_for_what_there_is(metrics)
        writers = {path.stem.rsplit("_", 1)[1] for path in (tmp_path / "metrics").rglob("*.db")}
        assert len(writers) > 1  # it was not one process that answered all
        assert len(writers) <= 4  # and jobs leave no files behind

        Redis.from_url(env["REDIS_URL"]).shutdown(nosave=True)
        metrics = httpx.get(f"{url}/metrics", timeout=60).text
        assert value(metrics, "atlas_redis_up") == 0
        assert value(metrics, "atlas_http_requests_total") > 60


def assert_the_dashboard_asks_for_what_there_is(metrics: str) -> None:
    there = set(re.findall(r"^# TYPE (\w+)", metrics, re.M))
    asked = set(re.findall(r"atlas_\w+", DASHBOARD.read_text()))
    unknown = {name for name in asked if not {name, re.sub("_(bucket|sum|count)$", "", name)} & there}
    assert asked
    assert not unknown
