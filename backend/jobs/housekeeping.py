"""Small jobs around the retrain."""

from __future__ import annotations

import logging

from redis import Redis

from backend.errors import NotFound
from backend.jobs.dispatch import CLEAR, Dispatcher
from backend.jobs.state import ProjectState
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.publishing import stale_versions
from backend.settings import Settings
from backend.store.versions import version_number

logger = logging.getLogger(__name__)


def flush(project_id: int) -> None:
    """Retrain for the few annotations that did not reach RETRAIN_EVERY."""
    settings = Settings()
    with Redis.from_url(settings.redis_url) as redis:
        if ProjectState(redis, project_id).unseen > 0:
            Dispatcher(redis, settings).request_retrain(project_id)


def clear_old_versions(project_id: int) -> int:
    """Delete predictions of versions that no longer matter, version by version, while nobody annotates.

    A deletion holds up annotators who submit meanwhile (on PostgreSQL until it is done), so it stops at
    the first sign of one and the worker schedules the rest anew. Returns how many versions were deleted.
    """
    settings = Settings()
    with Redis.from_url(settings.redis_url) as redis:
        state = ProjectState(redis, project_id)
        state.settle(CLEAR)
        client = LabelStudioClient.from_settings(settings)
        try:
            project = client.project(project_id)
        except NotFound:
            return 0
        ours = sorted(
            (name for name in client.version_sizes(project_id) if version_number(name)), key=version_number
        )
        deleted = 0
        for name in stale_versions(client, project, ours):
            if state.seconds_since_change() < settings.clear_after:
                state.owe(CLEAR)
                break
            client.delete_version(project_id, name)
            deleted += 1
    if deleted:
        logger.info("deleted the predictions of %d old versions", deleted)
    return deleted
