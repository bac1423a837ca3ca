"""Clients of Redis that end with the web application they were made for."""

from __future__ import annotations

import weakref

from flask import Flask
from redis import Redis

from backend.settings import Settings


def redis_of(app: Flask, settings: Settings, seconds: float) -> Redis:
    """seconds: how long an answer, and a connection, may take."""
    redis = Redis.from_url(settings.redis_url, socket_timeout=seconds, socket_connect_timeout=seconds)
    close_with(app, redis)
    return redis


def close_with(app: Flask, redis: Redis) -> None:
    """Else the connections of an application that is no more stay open until the garbage is collected."""
    weakref.finalize(app, redis.close).atexit = False  # a process that ends closes what it has
