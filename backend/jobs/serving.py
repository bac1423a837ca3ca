"""The job that brings a project to the version that somebody asked for on its page."""

from __future__ import annotations

from typing import Any

from redis import Redis

from backend.jobs import pinning
from backend.jobs.kinds import SERVE
from backend.jobs.state import ProjectState
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings
from backend.store.model_version import version_number

NEWEST = "newest"
"""In place of a version's name: the newest, and each newer one from now on."""


def serve_as_wished(project_id: int) -> dict[str, Any]:
    """The RQ job. Returns the version that serves, and whether it stays. Raises AtlasError."""
    settings = Settings()
    with Redis.from_url(settings.redis_url) as redis, LabelStudioClient.from_settings(settings) as client:
        state = ProjectState(redis, project_id)
        state.settle(SERVE)  # first: what is wished from here on is owed
        wished = state.wished_version
        if wished is None:
            return {}
        if wished == NEWEST or not version_number(wished):
            return {"model_version": pinning.unpin(settings, client, project_id), "pinned": False}
        return {"model_version": pinning.pin(settings, client, project_id, wished), "pinned": True}
