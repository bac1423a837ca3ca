"""What the jobs that talk to a wrapped backend have in common: how they begin, fail, and are done again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from redis import Redis

from backend.errors import DamagedFile, NotConfigured, NotFound, WrappedBackendError
from backend.jobs.dispatch import Dispatcher
from backend.jobs.foreign import foreign
from backend.jobs.wrapped_state import WrappedState
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings
from backend.wrapped.foreign import Foreign

logger = logging.getLogger(__name__)

Work = Callable[[Settings, Dispatcher, LabelStudioClient, int, str, Foreign], dict[str, Any]]
"""Is given, before the backend itself, what the project's connection names it by. Returns what was done;
`wait`: seconds until it is to be done again, None for when it is next asked for."""

GIVEN_BACK = "the project wraps it no more"
NOT_CONFIGURED = "not configured: the log says what to set"


def with_wrapped(project_id: int, kind: str, work: Work) -> dict[str, Any]:
    """Do it with the backend that the project wraps. A fault of that one is waited out, and told: in a word,
    for anybody may read what a job returns, and in the log."""
    settings = Settings()
    with Redis.from_url(settings.redis_url) as redis:
        dispatcher = Dispatcher(redis, settings)
        state, wrapped = dispatcher.state(project_id), WrappedState(redis, project_id)
        state.settle(kind)
        wraps = state.wraps
        if wraps is None or state.disconnected:
            return {"reason": "the project wraps no ML backend", "wait": None}
        if wrapped.rest:
            return {"reason": "its ML backend has just failed", "wait": wrapped.rest}
        try:
            with LabelStudioClient.from_settings(settings) as client:
                label_config = client.project(project_id, counted=False).label_config
                given = project_id, wraps, label_config, wrapped.project
                with foreign(settings, redis, *given) as backend:
                    wrapped.refused = None
                    return work(settings, dispatcher, client, project_id, wraps, backend)
        except WrappedBackendError as error:
            wait = wrapped.failed(error)
            logger.warning("project %d: the wrapped backend: %s. %s", project_id, error, error.remedy)
            return {"failure": error.failure, "wait": wait}
        except NotConfigured as error:
            logger.warning("project %d: %s", project_id, error)
            wrapped.refused = str(error)
            return {"reason": NOT_CONFIGURED, "wait": None}
        except (NotFound, DamagedFile) as error:
            logger.warning("project %d: %s", project_id, error)
            return {"reason": str(error), "wait": None}


def is_given_back(dispatcher: Dispatcher, project_id: int, wraps: str) -> bool:
    """Whether the project was disconnected since, or wraps something else: then nothing more goes there."""
    state = dispatcher.state(project_id)
    return state.disconnected or state.wraps != wraps


def wait_in(result: Any, is_owed: bool) -> float | None:
    """Seconds until the job is to be done again, by what it returned; 0 where it was asked for meanwhile."""
    wait = result.get("wait") if isinstance(result, dict) else None
    if is_owed:
        return 0
    return wait if isinstance(wait, (int, float)) else None
