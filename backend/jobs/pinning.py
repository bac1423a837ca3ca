"""Which model version a project works with, decided by people."""

from __future__ import annotations

from redis import Redis, RedisError

from backend.controls.any_config import parse_any_config
from backend.controls.scheme import LabelScheme
from backend.errors import AtlasError
from backend.jobs.refill import bring_up_to_date
from backend.jobs.refilled import Refilled
from backend.jobs.state import ProjectState
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings
from backend.store.locations import version_store
from backend.store.paths import exclusive, project_dir
from backend.store.versions import VersionStore


def is_held(versions: VersionStore, state: ProjectState, scheme: LabelScheme) -> bool:
    """Whether the published version is to stay: pinned here, or by `auto_update` off in Label Studio.

    A version that was trained for another label config cannot stay.
    """
    published = versions.published()
    if published is None or not (versions.pinned() or state.held_by_label_studio):
        return False
    return scheme.fits(versions.scheme(published))


def pin(settings: Settings, client: LabelStudioClient, project_id: int, name: str | None = None) -> str:
    """Publish a kept version (the present one when none is named) and stay with it; returns its name.

    Retrains go on, but what they make is only kept. Raises AtlasError when there is no such version, or
    it was trained for another label config.
    """
    versions = _versions(settings, project_id)
    with exclusive(project_dir(settings.data_dir, project_id), "publish"):  # a retrain may be publishing
        name = name or versions.published()
        if name is None or name not in versions.names():
            raise AtlasError(
                f"project {project_id} has no version {name or 'published yet'}; "
                f"kept are: {', '.join(versions.names()) or 'none'}"
            )
        scheme = parse_any_config(
            client.project(project_id, counted=False).label_config, settings.queue_controls
        )
        if not scheme.fits(versions.scheme(name)):
            raise AtlasError(f"{name} was trained for another label config: its classes may be gone")
        versions.set_published(name, pinned=True)
    _bring_up_to_date(settings, client, project_id)
    return name


def roll_back(settings: Settings, client: LabelStudioClient, project_id: int) -> str:
    """Pin the version before the published one; returns its name. Raises AtlasError when there is none."""
    versions = _versions(settings, project_id)
    names, published = versions.names(), versions.published()
    before = names[: names.index(published)] if published is not None else []
    if not before:
        raise AtlasError(f"project {project_id} has no version before {published or 'the first'}")
    return pin(settings, client, project_id, before[-1])


def unpin(settings: Settings, client: LabelStudioClient, project_id: int) -> str:
    """Publish the newest version, and each retrain's from now on; returns its name."""
    versions = _versions(settings, project_id)
    with exclusive(project_dir(settings.data_dir, project_id), "publish"):
        if not versions.names():
            raise AtlasError(f"project {project_id} has no version yet")
        newest = versions.names()[-1]
        versions.set_published(newest)
    _bring_up_to_date(settings, client, project_id)
    return newest


def _versions(settings: Settings, project_id: int) -> VersionStore:
    return version_store(settings, project_id)


def _bring_up_to_date(settings: Settings, client: LabelStudioClient, project_id: int) -> Refilled:
    with Redis.from_url(settings.redis_url) as redis:
        state = ProjectState(redis, project_id) if _answers(redis) else None
        done = bring_up_to_date(settings, client, project_id, state=state)
    if done.needs_retrain is not None:
        raise AtlasError(f"Label Studio could not be brought to this version: {done.needs_retrain}")
    return done


def _answers(redis: Redis) -> bool:
    """It knows what a project wraps; a version can be pinned without it."""
    try:
        return bool(redis.ping())
    except RedisError:
        return False
