"""`alive`, by which Docker tells whether a part runs, on a real Redis with RQ's own registry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner
from redis import Redis
from rq.utils import utcformat

from backend.cli import main
from backend.errors import AtlasError
from backend.jobs.cron import create_cron
from backend.jobs.worker import create_worker
from backend.running.alive import check_alive
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings


@pytest.fixture
def settings() -> Iterator[Settings]:
    with Supervisor() as supervisor:
        yield Settings(redis_url=start_redis(supervisor, Settings().data_dir, dict(os.environ)))


def test_a_worker_is_alive_while_it_is_heard_of_from_this_machine(settings: Settings) -> None:
    with pytest.raises(AtlasError, match=r"no worker on .* has lately given a sign of life"):
        check_alive("worker", settings)
    worker = create_worker(settings, None)
    worker.register_birth()
    assert worker.name in check_alive("worker", settings)
    with Redis.from_url(settings.redis_url) as redis:
        long_ago = utcformat(datetime.now(timezone.utc) - timedelta(hours=1))
        redis.hset(worker.key, "last_heartbeat", long_ago)
        with pytest.raises(AtlasError, match="no worker"):
            check_alive("worker", settings)
        redis.hset(worker.key, mapping={"last_heartbeat": utcformat(datetime.now(timezone.utc))})
        redis.hset(worker.key, "hostname", "another-machine")
    with pytest.raises(AtlasError, match="no worker"):
        check_alive("worker", settings)


def test_cron_is_alive_once_it_is_registered(settings: Settings) -> None:
    with pytest.raises(AtlasError, match="no cron"):
        check_alive("cron", settings)
    create_cron(settings).register_birth()
    assert "is alive" in check_alive("cron", settings)


def test_the_command_finds_the_redis_that_up_has_started(settings: Settings) -> None:
    create_cron(settings).register_birth()
    done = CliRunner().invoke(main, ["alive", "cron"])  # without REDIS_URL
    assert (done.exit_code, "is alive" in done.output) == (0, True)


def test_a_part_whose_redis_or_port_does_not_answer_is_not_alive(settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": "redis://localhost:1/0", "port": 1})
    with pytest.raises(AtlasError, match="Redis does not answer"):
        check_alive("worker", away)
    with pytest.raises(AtlasError, match="does not answer on http"):
        check_alive("web", away)
