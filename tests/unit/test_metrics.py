"""A scrape takes little of Redis and of the web server, however many projects there are."""

from __future__ import annotations

import pytest
from redis import Redis

from backend.jobs.measures import Measures
from backend.jobs.newcomers import Newcomers
from backend.settings import Settings
from backend.web import create_app


def test_a_scrape_asks_redis_no_more_often_for_many_projects(redis: Redis, session_redis: str) -> None:
    client = create_app(Settings(redis_url=session_redis)).test_client()

    def reads() -> int:
        def total() -> int:
            return int(redis.info("stats")["total_reads_processed"])

        before = total()
        assert client.get("/metrics").status_code == 200
        return total() - before

    client.get("/metrics")  # connects
    few = reads()
    for project in range(1, 501):
        Newcomers(redis).let_in(project)
    assert reads() <= few + 20
    assert client.get("/metrics").get_data(as_text=True).count("atlas_annotations_heard_total{") == 500


def test_beyond_a_few_scrapes_at_once_are_told_to_come_back(redis: Redis, session_redis: str) -> None:
    app = create_app(Settings(redis_url=session_redis))
    surveys = app.extensions["surveys"]
    for _ in range(3):
        assert surveys._admitted.acquire(blocking=False)
    for path in ("/metrics", "/versions"):
        answer = app.test_client().get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert app.test_client().get("/health").status_code == 200


def test_the_age_of_a_version_goes_by_the_clock_of_redis(
    redis: Redis, session_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of this machine may be another: what a worker elsewhere published was hours old at once."""
    Newcomers(redis).let_in(1)
    retrained = {"published": True, "head": 4, "seconds": {}, "model_version": "atlas-000001"}
    Measures(redis).retrained(1, retrained)
    monkeypatch.setattr("time.time", lambda: 4e9)
    told = create_app(Settings(redis_url=session_redis)).test_client().get("/metrics").get_data(as_text=True)
    (age,) = [line for line in told.splitlines() if line.startswith("atlas_order_age_seconds{")]
    assert float(age.split()[-1]) < 3600
