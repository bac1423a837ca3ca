"""What is counted of retrains and of wrapped backends, in a Redis to which others may write."""

from __future__ import annotations

import pytest
from redis import Redis

from backend.jobs.keys import measures_key
from backend.jobs.measures import COUNTERS_KEY, Measures
from backend.jobs.state import PROJECTS_KEY

RESULT = {
    "model_version": "atlas-000001",
    "published": True,
    "head": 40,
    "seconds": {"pull": 0.5, "train": 1.5},
    "trained_on": 20,
    "accuracy": 0.75,
}


@pytest.fixture
def measures(redis: Redis) -> Measures:
    redis.sadd(PROJECTS_KEY, 1)
    return Measures(redis)


def test_a_retrain_is_counted_by_what_came_of_it_and_by_stage(measures: Measures) -> None:
    measures.retrained(1, RESULT)
    measures.retrained(1, {**RESULT, "published": False})
    measures.retrained(1, {"seconds": {"pull": 0.25}})
    measures.failed(1)
    found = measures.counters()
    assert found["retrains"] == {
        (1, "published"): 1,
        (1, "kept"): 1,
        (1, "nothing"): 1,
        (1, "failed"): 1,
    }
    assert found["seconds"] == {(1, "pull"): 1.25, (1, "train"): 3.0}
    assert found["times"] == {(1, "pull"): 3, (1, "train"): 2}


def test_the_last_retrains_numbers_take_the_place_of_those_before(measures: Measures) -> None:
    measures.retrained(1, RESULT)
    assert measures.of(1)["accuracy"] == 0.75
    assert measures.of(1)["head"] == 40
    assert measures.of(1)["published_at"] > 0
    measures.retrained(1, {**RESULT, "accuracy": None, "trained_on": 25, "published": False})
    assert "accuracy" not in measures.of(1)
    assert measures.of(1)["labels"] == 25


def test_nothing_is_counted_of_a_project_that_nobody_has(measures: Measures) -> None:
    measures.failed(7)
    measures.asked_wrapped(7, 0.5, "ok")
    measures.retrained(7, {"seconds": {"pull": 1.0}})
    assert measures.counters() == {}
    assert measures.of(7) == {}


def test_requests_to_a_wrapped_backend_are_counted_with_their_seconds(measures: Measures) -> None:
    measures.asked_wrapped(1, 0.5, "ok")
    measures.asked_wrapped(1, 0.25, "ok")
    found = measures.counters()
    assert found["wrapped"] == {(1, "ok"): 2}
    assert found["wrapped_seconds"] == {(1, "all"): 0.75}


def test_what_others_wrote_in_their_place_is_counted_from_none(measures: Measures, redis: Redis) -> None:
    measures.failed(1)
    (field,) = redis.hkeys(COUNTERS_KEY)
    redis.hset(COUNTERS_KEY, field, "many")
    redis.hset(COUNTERS_KEY, "no such field", "1")
    measures.failed(1)
    assert measures.counters() == {"retrains": {(1, "failed"): 1}}
    redis.set(measures_key(1), "no hash")
    assert measures.of(1) == {}
    measures.head_filled(1, 5)
    assert measures.of(1)["head"] == 5
