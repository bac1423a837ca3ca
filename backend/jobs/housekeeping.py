"""Small jobs around the retrain."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

from redis import Redis

from backend.errors import NotFound
from backend.jobs.clearing import Clearing, Pace, TooSlow
from backend.jobs.dispatch import Dispatcher
from backend.jobs.keys import GONE_KEY
from backend.jobs.kinds import CLEAR
from backend.jobs.state import ProjectState, seconds_since_any_change
from backend.jobs.values import mended, whole
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.publishing import stale_versions
from backend.settings import Settings
from backend.store.locations import project_files
from backend.store.model_version import version_number
from backend.store.paths import project_dir

logger = logging.getLogger(__name__)

GONE_MARK = "gone"
"""Marks the data of a project that Label Studio did not know."""
GONE_SECONDS = 7 * 24 * 3600
"""How long such data stays: the project may only be hidden from the API key's user for a while."""


def forget_gone(settings: Settings, redis: Redis, project_id: int, seconds: float = GONE_SECONDS) -> None:
    """Delete what is kept of a project that has been gone for so long, here and in the model store. Raises
    ModelStoreError."""
    _forget_here(project_dir(settings.data_dir, project_id), seconds)
    if settings.model_store and _gone_for(redis, project_id) >= seconds:
        project_files(settings, project_id).delete("")
        logger.info("deleted what the model store kept of a project that is gone")
        redis.hdel(GONE_KEY, project_id)


def counts_as_gone(settings: Settings, redis: Redis, project_id: int) -> bool:
    """Whether an earlier look found it gone."""
    known = mended(redis, GONE_KEY, lambda: redis.hexists(GONE_KEY, project_id))
    return bool(known) or (project_dir(settings.data_dir, project_id) / GONE_MARK).exists()


def come_back(settings: Settings, redis: Redis, project_id: int) -> None:
    """It is not gone, or not any more."""
    (project_dir(settings.data_dir, project_id) / GONE_MARK).unlink(missing_ok=True)
    mended(redis, GONE_KEY, lambda: redis.hdel(GONE_KEY, project_id))


def _gone_for(redis: Redis, project_id: int) -> int:
    """Seconds, as all machines have seen it: any may be the next to look."""
    now = int(redis.time()[0])
    mended(redis, GONE_KEY, lambda: redis.hsetnx(GONE_KEY, project_id, now))
    return now - whole(redis.hget(GONE_KEY, project_id), now)


def _forget_here(directory: Path, seconds: float) -> None:
    mark = directory / GONE_MARK
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
    """Delete predictions of versions that no longer matter, piece by piece, while nobody labels.

    Nobody in any project: they share a database. At the first sign of one it stops, and the worker schedules
    the rest anew. Not at all where a piece takes Label Studio too long. Returns how many predictions went.
    """
    settings = Settings()
    with Redis.from_url(settings.redis_url) as redis, LabelStudioClient.from_settings(settings) as client:
        state, pace = ProjectState(redis, project_id), Pace(redis, project_id)
        state.settle(CLEAR)
        if pace.rests():
            return 0
        try:
            project = client.project(project_id, counted=False)
        except NotFound:
            return 0
        sizes = client.version_sizes(project_id)
        ours = sorted(filter(version_number, sizes), key=version_number)
        stale = {name: sizes[name] for name in stale_versions(project.model_version, ours)}
        clearing = Clearing(
            client, project_id, pace, lambda: seconds_since_any_change(redis) >= settings.clear_after
        )
        try:
            if not clearing.run(stale):
                state.owe(CLEAR)
        except TooSlow as slow:
            if pace.rests():
                logger.warning("%s: those of old versions stay for a day", slow)
            else:
                state.owe(CLEAR)
    if clearing.deleted:
        logger.info("deleted %d predictions of old versions", clearing.deleted)
    return clearing.deleted
