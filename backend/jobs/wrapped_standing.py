"""What a request must know of the ML backend that its project wraps."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis, ResponseError

from backend.jobs.keys import state_key, wrapped_key
from backend.jobs.state import ProjectState
from backend.jobs.values import text
from backend.jobs.wrapped_state import WrappedState


@dataclass(frozen=True)
class Standing:
    """wraps: its address by the project's connection, not checked; rest, version: see `WrappedState`."""

    wraps: str
    rest: float
    version: str | None


def standing(redis: Redis, project_id: int) -> Standing | None:
    """In one round trip where that works: an annotator is waiting. None where the project wraps none."""
    wrapped = WrappedState(redis, project_id)
    with redis.pipeline(transaction=False) as pipe:
        pipe.hget(state_key(project_id), "wraps")
        pipe.hget(wrapped_key(project_id), "version")
        pipe.hexists(wrapped_key(project_id), "rests_until")
        *found, rests = pipe.execute(raise_on_error=False)
    wraps, version = map(text, found)
    if any(isinstance(each, ResponseError) for each in (*found, rests)):  # one key holds what is not ours
        wraps, version, rests = ProjectState(redis, project_id).wraps, wrapped.version, True
    if wraps is None:
        return None
    return Standing(wraps, wrapped.rest if rests else 0.0, version)
