"""Projects that a request has named and that no worker has found in Label Studio yet.

Anybody may be able to name invented ones. Each costs an entry here and a question to Label Studio, by a job
that takes few at a time: known projects wait for none of them. What its events told of is not lost: once it
is found, all of it is read.
"""

from __future__ import annotations

from typing import Any

from redis import Redis

from backend.jobs.keys import PROJECTS_KEY
from backend.jobs.values import mended, whole

KEY = "atlas:newcomers"
"""Project ids by when they were first named."""
KNOWN, NEW, NO_ROOM = 2, 1, 0
_NAME = """
for i, kind in ipairs({'set', 'zset'}) do
    local found = redis.call('TYPE', KEYS[i]).ok
    if found ~= kind and found ~= 'none' then redis.call('DEL', KEYS[i]) end
end
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then return 2 end
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 1 end
if redis.call('SCARD', KEYS[1]) + redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[2], redis.call('TIME')[1], ARGV[1])
return 1
"""


class Newcomers:
    """Those that wait. Cheap to make."""

    def __init__(self, redis: Redis):
        self._redis = redis

    def name(self, project_id: int, most: int) -> int:
        """KNOWN, or NEW, which is noted, or NO_ROOM, where there are `most` known and new ones already."""
        return whole(self._redis.eval(_NAME, 2, PROJECTS_KEY, KEY, project_id, most))

    def oldest(self, count: int) -> list[int]:
        members: list[Any] = mended(self._redis, KEY, lambda: self._redis.zrange(KEY, 0, count - 1))
        wrong = [member for member in members if whole(member) < 1]
        if wrong:
            self._redis.zrem(KEY, *wrong)
        return [whole(member) for member in members if member not in wrong]

    def __contains__(self, project_id: int) -> bool:
        return mended(self._redis, KEY, lambda: self._redis.zscore(KEY, project_id)) is not None

    def __len__(self) -> int:
        return mended(self._redis, KEY, lambda: self._redis.zcard(KEY))

    def let_in(self, project_id: int) -> None:
        """Label Studio has it."""
        mended(self._redis, PROJECTS_KEY, lambda: self._redis.sadd(PROJECTS_KEY, project_id))
        self._redis.zrem(KEY, project_id)

    def turn_away(self, project_id: int) -> None:
        self._redis.zrem(KEY, project_id)
