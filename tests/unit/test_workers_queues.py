"""Which queues a worker takes from, and how it is known in Redis."""

from __future__ import annotations

import pytest

from backend.jobs.kinds import ENCODING_QUEUE, QUEUE_NAME, TUNING_QUEUE, UPKEEP_QUEUE
from backend.jobs.worker import AtlasQueue, create_worker
from tests.fakes.loop import Loop
from tests.fakes.worker import WorkerHere


@pytest.mark.parametrize("only", [None, "retrain", "upkeep", "encode", "tune"])
def test_a_worker_does_what_it_is_there_for(loop: Loop, only: str | None) -> None:
    worker = create_worker(loop.settings, only)
    kinds = {
        None: [UPKEEP_QUEUE, QUEUE_NAME],
        "retrain": [QUEUE_NAME],
        "upkeep": [UPKEEP_QUEUE],
        "encode": [],
        "tune": [],
    }
    encodes = [ENCODING_QUEUE] if only != "tune" else []  # after all else but fine-tuning
    tunes = [TUNING_QUEUE] if only in (None, "retrain", "tune") else []
    assert worker.queue_names() == [*kinds[only], *encodes, *tunes]


def test_a_worker_is_seen_again_after_redis_was_emptied(loop: Loop) -> None:
    worker = WorkerHere(loop.redis)
    worker.register_birth()
    loop.redis.flushdb()
    worker.run_maintenance_tasks()
    assert WorkerHere.count(connection=loop.redis) == 1
    worker.register_death()


def test_one_worker_keeps_others_from_maintenance_for_half_a_minute_at_most(loop: Loop) -> None:
    queue = AtlasQueue(QUEUE_NAME, connection=loop.redis)
    assert queue.acquire_maintenance_lock()
    assert not queue.acquire_maintenance_lock()
    assert 0 < loop.redis.ttl(queue.registry_cleaning_key) <= 30
