"""The fixtures of whole jobs on a fake Label Studio, for pages in a browser."""

from tests.unit.conftest import fake_server, loop, redis, session_redis

__all__ = ["fake_server", "loop", "redis", "session_redis"]
