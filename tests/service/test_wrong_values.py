"""Whatever somebody has put into Redis: no route fails inside, and no project suffers for another one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis
from rq.registry import ScheduledJobRegistry, StartedJobRegistry

from backend.jobs import reconcile
from backend.jobs.dispatch import Dispatcher
from backend.jobs.kinds import QUEUE_NAME, UPKEEP_QUEUE
from backend.jobs.measures import Measures
from backend.jobs.state import ProjectState, known_projects
from backend.jobs.status import job_status
from backend.jobs.worker import create_worker
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.web import create_app
from tests.unit.test_web import CONFIG

Plant = Callable[[Redis], object]
JOB = "rq:job:retrain-4"


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Supervisor() as supervisor:
        yield start_redis(supervisor, tmp_path_factory.mktemp("redis"), dict(os.environ))


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        yield redis


def field(key: str, **values: Any) -> Plant:
    return lambda redis: redis.hset(key, mapping=values)


def waiting(**values: Any) -> Plant:
    """A retrain that waits, with fields of its record replaced."""

    def plant(redis: Redis) -> None:
        Dispatcher(redis, Settings()).request_retrain(4)
        redis.hset(JOB, mapping=values)

    return plant


def of_another_kind(key: str) -> Plant:
    return lambda redis: (redis.delete(key), redis.lpush(key, "x"))


WRONG: dict[str, Plant] = {
    "a project that is no number": lambda redis: redis.sadd(
        "atlas:projects", "x", "\xff", "9" * 5000, "-1", ""
    ),
    "changes": field("atlas:project:4", changes="abc"),
    "changes beyond 64 bits": field("atlas:project:4", changes="9" * 30),
    "seen": field("atlas:project:4", seen="abc"),
    "refill_at": field("atlas:project:4", refill_at="abc"),
    "ended": field("atlas:project:4", ended="abc", last_change="x", failures="y"),
    "strategy": field("atlas:project:4", strategy=b"\xff", label_config=b"\xff", webhook_digest=b"\xff"),
    "aside": lambda redis: redis.set("atlas:project:4:aside", b"\xff"),
    "a counter's name": field("atlas:measures", **{"x": 1, "retrains abc failed": 1, "retrains 4 5 6": 1}),
    "a counter": field("atlas:measures", **{"retrains 4 failed": "x", "times 4 pull": "nan"}),
    "a time without its sum": field("atlas:measures", **{"times 4 pull": 1}),
    "a measure": field("atlas:measures:4", accuracy="abc", head=3, published_at="\xff"),
    "a contact": field("atlas:contact:4", setup="abc", webhook="inf"),
    "lost": lambda redis: redis.set("atlas:lost:retrain-4", "abc"),
    "turn": lambda redis: redis.set("atlas:reconcile:turn", "abc"),
    "a job's status": waiting(status="weird"),
    "a job's status in no language": waiting(status=b"\xff"),
    "a job's times": waiting(created_at="x", enqueued_at="9", started_at=b"\xff"),
    "a job's timeout": waiting(timeout="x"),
    "a job's meta": waiting(meta="[1]"),
    "a job's retries": waiting(retries_left="x", retry_intervals="{}", result_ttl="y"),
    "a job of a group": waiting(group_id="g", dependency_ids="7", repeats_left="x", rate_limit_key="k"),
    "a job's data": waiting(data=b"\xff", origin=b"\xff", description=b"\xff"),
    "a job without data": lambda redis: redis.hset(JOB, "status", "queued"),
    "a result": lambda redis: (
        waiting(status="finished")(redis),
        redis.xadd("rq:results:retrain-4", {"x": "y"}),
    ),
    **{
        f"no {key}": of_another_kind(key)
        for key in (
            "atlas:projects",
            "atlas:newcomers",
            "atlas:project:4",
            "atlas:project:4:aside",
            "atlas:contact:4",
            "atlas:measures",
            "atlas:measures:4",
            "atlas:lost:retrain-4",
            "atlas:reconcile:turn",
            JOB,
            "rq:results:retrain-4",
            "rq:executions:retrain-4",
        )
    },
}


@pytest.fixture(params=WRONG)
def planted(redis: Redis, request: pytest.FixtureRequest) -> Redis:
    """Beside project 5, of which everything is well."""
    ProjectState(redis, 4).note_changes(1)
    ProjectState(redis, 5).note_changes(1)
    Measures(redis).retrained(5, {"seconds": {"pull": 1}})
    WRONG[request.param](redis)
    ProjectState(redis, 5).note_changes(1)
    return redis


def test_no_route_fails_inside(planted: Redis, redis_url: str) -> None:
    settings = Settings(redis_url=redis_url, label_studio_api_key="k", retrain_every=1)
    client = create_app(settings).test_client()
    task = {"id": 1, "data": {"text": "x"}}
    extra = {"strategy": "margin"}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/setup", {"project": "4.1", "schema": CONFIG, "extra_params": extra}),
        ("/predict", {"project": "4.1", "tasks": [task], "label_config": CONFIG}),
        *(
            ("/webhook", {"action": action, "project": {"id": 4}})
            for action in ("TASKS_CREATED", "PROJECT_UPDATED")
        ),
        ("/webhook", {"action": "ANNOTATION_CREATED", "project": {"id": 4}}),
        ("/webhook", {"action": "ANNOTATION_CREATED"}),
        ("/job_status", {"job": "retrain-4"}),
        ("/train", {"project": 4}),
        ("/job_status", {"job": "retrain-4"}),
        ("/versions", {"project": 4}),
    ]
    told = {(path, str(body)[:60]): client.post(path, json=body).status_code for path, body in asked}
    told["/metrics", ""] = (metrics := client.get("/metrics")).status_code
    assert {what: status for what, status in told.items() if status not in (200, 201, 410)} == {}
    assert "atlas_redis_up 1.0" in metrics.get_data(as_text=True)
    assert 'atlas_annotations_heard_total{project="5"}' in metrics.get_data(as_text=True)
    assert (job_status(planted, "retrain-4") or {})["status"] in ("queued", "scheduled", "deferred")


def test_what_is_wrong_of_one_project_keeps_no_job_from_the_others(
    planted: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "k")
    looked: list[int] = []
    monkeypatch.setattr(reconcile, "_reconcile", lambda *given: looked.append(given[-1]) or "looked")
    assert reconcile.reconcile()["5"] == "looked"
    assert 5 in looked
    assert 5 in known_projects(planted)

    dispatcher = Dispatcher(planted, Settings(redis_url=redis_url))
    for name in (QUEUE_NAME, UPKEEP_QUEUE):  # the wrong one is first, and due
        queue = dispatcher.queue if name == QUEUE_NAME else dispatcher.upkeep
        planted.zadd(StartedJobRegistry(queue=queue).key, {"retrain-4:x": 1})
        planted.zadd(ScheduledJobRegistry(queue=queue).key, {"retrain-4": 1})
    dispatcher.request_flush(5)
    planted.zadd(ScheduledJobRegistry(queue=dispatcher.upkeep).key, {"flush-5": 2})
    worker = create_worker(Settings(redis_url=redis_url), "upkeep")
    worker.clean_registries()
    worker.work(burst=True, with_scheduler=True, logging_level="CRITICAL")
    assert (job_status(planted, "flush-5") or {"status": "finished"})["status"] == "finished"
    Measures(planted).retrained(5, {"seconds": {"pull": 1}})
