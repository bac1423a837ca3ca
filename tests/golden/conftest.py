"""The same Redis and fake Label Studio as the unit tests have."""

from tests.unit.conftest import fake_server, loop, redis, session_redis

__all__ = ["fake_server", "loop", "redis", "session_redis"]
