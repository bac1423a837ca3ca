"""Small jobs around the retrain."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from redis import Redis

from backend.errors import NotFound
from backend.jobs.dispatch import Dispatcher
from backend.jobs.kinds import CLEAR
from backend.jobs.state import ProjectState
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.publishing import stale_versions
from backend.settings import Settings
from backend.store.versions import version_number

logger = logging.getLogger(__name__)

GONE = "gone"
"""Marks the data of a project that Label Studio did not know."""
GONE_SECONDS = 7 * 24 * 3600
"""How long such data stays: the project may only be hidden from the API key's user for a while."""

PORTION = 500
"""Predictions deleted in one call: on PostgreSQL, where annotators wait for it, up to 8 s. A version has
more of them where somebody asked for predictions of all tasks, or its head was topped up many times."""
SINGLY = 100
"""Of those, so many at a time: one by one, as Label Studio has no way between, and 14 times as slow."""


def forget_gone(directory: Path, seconds: float = GONE_SECONDS) -> None:
    """Delete what is kept of a project that has been gone for so long."""
    mark = directory / GONE
    if not directory.is_dir():
        return
    if not mark.exists():
        mark.touch()
    if time.time() - mark.stat().st_mtime >= seconds:
        shutil.rmtree(directory, ignore_errors=True)
        logger.info("deleted what was kept of a project that is gone")


def flush(project_id: int) -> None:
    """Retrain for the few annotations that did not reach RETRAIN_EVERY."""
    settings = Settings()
    with Redis.from_url(settings.redis_url) as redis:
        state = ProjectState(redis, project_id)
        if state.unseen > 0 and not state.disconnected:
            Dispatcher(redis, settings).request_retrain(project_id)


def clear_old_versions(project_id: int) -> int:
    """Delete predictions of versions that no longer matter, portion by portion, while nobody annotates.

    A deletion holds up annotators who submit meanwhile (on PostgreSQL until it is done), so it stops at
    the first sign of one and the worker schedules the rest anew. Returns how many predictions went.
    """
    settings = Settings()
    with Redis.from_url(settings.redis_url) as redis:
        state = ProjectState(redis, project_id)
        state.settle(CLEAR)
        client = LabelStudioClient.from_settings(settings)
        try:
            project = client.project(project_id, counted=False)
        except NotFound:
            return 0
        sizes = client.version_sizes(project_id)
        ours = sorted(filter(version_number, sizes), key=version_number)
        deleted = 0
        for name in stale_versions(project.model_version, ours):
            if not _is_quiet(state, settings):
                state.owe(CLEAR)
                break
            if sizes[name] > PORTION:
                deleted += _delete_singly(client, project_id, name, lambda: _is_quiet(state, settings))
                state.owe(CLEAR)  # the rest after another quiet while
                break
            client.delete_version(project_id, name)
            deleted += sizes[name]
    if deleted:
        logger.info("deleted %d predictions of old versions", deleted)
    return deleted


def _is_quiet(state: ProjectState, settings: Settings) -> bool:
    return state.seconds_since_change() >= settings.clear_after


def _delete_singly(
    client: LabelStudioClient, project_id: int, version: str, is_quiet: Callable[[], bool]
) -> int:
    """Until somebody annotates. Returns how many went."""
    some = client.some_predictions(project_id, version, SINGLY)
    for deleted, prediction_id in enumerate(some):
        if not is_quiet():
            return deleted
        client.delete_prediction(prediction_id)
    return len(some)
