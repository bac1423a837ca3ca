"""Look in Label Studio for the projects that requests have named."""

from __future__ import annotations

import logging

from redis import Redis

from backend import logs
from backend.errors import NotFound
from backend.jobs.dispatch import Dispatcher
from backend.jobs.newcomers import Newcomers
from backend.jobs.wished import take_over
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings

logger = logging.getLogger(__name__)

AT_ONCE = 20
"""Then come the jobs that wait, of projects that exist."""


def admit() -> dict[str, str]:
    """The RQ job, for the longest waiting. Returns what was found, by project."""
    settings = Settings()
    found = {}
    with Redis.from_url(settings.redis_url) as redis, LabelStudioClient.from_settings(settings) as client:
        dispatcher, newcomers = Dispatcher(redis, settings), Newcomers(redis)
        for project_id in newcomers.oldest(AT_ONCE):
            logs.set_project(project_id)
            found[str(project_id)] = _admit(dispatcher, newcomers, client, project_id)
    return found


def _admit(dispatcher: Dispatcher, newcomers: Newcomers, client: LabelStudioClient, project_id: int) -> str:
    try:
        client.project(project_id, counted=False)
    except NotFound:
        newcomers.turn_away(project_id)
        dispatcher.state(project_id).forget()
        logger.info("named by a request, and not in Label Studio")
        return "not in Label Studio"
    newcomers.let_in(project_id)
    if take_over(dispatcher.state(project_id), client.wishes(project_id)) is None:
        dispatcher.request_retrain(project_id)
    else:  # that /setup may have started one, with another strategy
        dispatcher.demand_retrain(project_id)
    return "a first order is being made"
