"""What a worker does before its first job."""

from __future__ import annotations

import logging
import time

from redis import Redis, RedisError

from backend.errors import AtlasError
from backend.jobs.cron import FIRST_WAIT, LONGEST_WAIT
from backend.jobs.state import known_projects
from backend.jobs.webhook_secrets import WebhookSecrets
from backend.settings import Settings
from backend.store.paths import make_data_dir

logger = logging.getLogger(__name__)


def wait_for_redis(redis: Redis) -> None:
    """Return once it answers; until then say why not, at first often and then every LONGEST_WAIT seconds."""
    wait = FIRST_WAIT
    while True:
        try:
            redis.ping()
            return
        except RedisError as error:
            logger.warning("Redis is away (%s); trying again in %.0f s", error, wait)
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


def prepare(settings: Settings) -> None:
    """Make DATA_DIR, wait for Redis, and save from it what releases before kept there alone."""
    make_data_dir(settings.data_dir)
    with Redis.from_url(settings.redis_url) as redis:
        wait_for_redis(redis)
        try:
            WebhookSecrets(redis, settings).keep(known_projects(redis))
        except (AtlasError, RedisError) as error:  # the model store may be away; each look tries again
            logger.warning("webhooks' secrets cannot be copied to where the models are: %s", error)
