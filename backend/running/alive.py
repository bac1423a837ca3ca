"""Health checks of single processes, for whatever runs them: Docker, Kubernetes."""

from __future__ import annotations

import socket
from typing import Any

from redis import Redis, RedisError
from rq import Worker
from rq.cron import CronScheduler
from rq.serializers import JSONSerializer

from backend.errors import AtlasError
from backend.jobs.heartbeat import is_alive
from backend.running.health import health_of
from backend.settings import Settings

TIMEOUT = 5
"""Seconds that the web server, or Redis, may take for an answer."""


def check_alive(part: str, settings: Settings) -> str:
    """What shows that this part ("web", "worker" or "cron") runs on this machine.

    Raises AtlasError, saying why, when it does not. Label Studio is not asked: restarting a part of ours
    mends nothing there.
    """
    return _web(settings) if part == "web" else _registered(part, settings)


def _web(settings: Settings) -> str:
    url = f"{settings.own_url}/health"
    try:
        version = health_of(url, TIMEOUT)["version"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise AtlasError(f"the web server does not answer on {url}: {error}") from error
    return f"version {version} answers on {url}"


def _registered(part: str, settings: Settings) -> str:
    """A worker, or cron, on this host that has lately given a sign of life in Redis."""
    with Redis.from_url(settings.redis_url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT) as redis:
        try:
            found = _all(part, redis)
        except RedisError as error:
            raise AtlasError(f"Redis does not answer: {error}") from error
    here = [each for each in found if each.hostname == socket.gethostname() and is_alive(each)]
    if not here:
        raise AtlasError(f"no {part} on {socket.gethostname()} has lately given a sign of life in Redis")
    return f"{part} {here[0].name} is alive"


def _all(part: str, redis: Redis) -> list[Any]:
    if part == "cron":
        return CronScheduler.all(redis, cleanup=False)
    return Worker.all(connection=redis, serializer=JSONSerializer)
