"""Heal what no webhook told of: Label Studio never repeats a lost one, and sends none for some changes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from redis import Redis

from backend import logs
from backend.controls.any_config import parse_config
from backend.errors import AtlasError, LabelConfigError, NotFound
from backend.jobs.asked_again import see_to_it
from backend.jobs.dispatch import Dispatcher
from backend.jobs.housekeeping import come_back, counts_as_gone, forget_gone
from backend.jobs.lost import forget_lost_shards
from backend.jobs.newcomers import Newcomers
from backend.jobs.outdated import outdated
from backend.jobs.pinning import is_held
from backend.jobs.pull import pull
from backend.jobs.refill import keep_full
from backend.jobs.state import known_projects
from backend.jobs.values import mended, whole
from backend.jobs.webhook_secrets import WebhookSecrets
from backend.jobs.wished import heed
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.project import Project
from backend.settings import Settings
from backend.store.locations import feature_cache, stored_projects, version_store
from backend.store.paths import project_dir
from backend.store.tasks import LAYOUT

logger = logging.getLogger(__name__)

RETRAINING = "a retrain is on its way"
TURN = "atlas:reconcile:turn"


def reconcile() -> dict[str, str]:
    """The RQ job, over all projects. Returns what was found, by project."""
    settings = Settings()
    found = {}
    with Redis.from_url(settings.redis_url) as redis, LabelStudioClient.from_settings(settings) as client:
        dispatcher = Dispatcher(redis, settings)
        for project_id in _in_turn(redis, {*known_projects(redis), *stored_projects(settings)}):
            logs.set_project(project_id)
            try:
                dispatcher.forget_lost_jobs(project_id)
                WebhookSecrets(redis, settings).keep([project_id])
                found[str(project_id)] = _reconcile(settings, dispatcher, client, project_id)
            except AtlasError as error:  # one broken project must not keep the others waiting
                logger.warning("%s", error)
                found[str(project_id)] = str(error)
        if len(Newcomers(redis)):  # the job that asks for them may have given up
            dispatcher.request_admission()
    return found


def _in_turn(redis: Redis, project_ids: Iterable[int]) -> Iterator[int]:
    """On from where the last look ended, so that one which kills this process kills it for itself alone."""
    last = whole(mended(redis, TURN, lambda: redis.get(TURN)))
    for project_id in sorted(project_ids, key=lambda each: (each <= last, each)):
        redis.set(TURN, project_id)
        yield project_id


def _reconcile(settings: Settings, dispatcher: Dispatcher, client: LabelStudioClient, project_id: int) -> str:
    state = dispatcher.state(project_id)
    if state.aside is not None:
        return f"set aside: {state.aside}"
    try:
        project = client.project(project_id)
    except NotFound:
        is_new = not counts_as_gone(settings, dispatcher.redis, project_id)
        if not state.note_absence() and is_new:
            return "not in Label Studio; it is looked for once more before it counts as gone"
        state.forget()
        forget_gone(settings, dispatcher.redis, project_id)
        return "gone"
    state.note_presence()
    come_back(settings, dispatcher.redis, project_id)
    obstacle = heed(settings, dispatcher, client, project_id)
    if obstacle is not None:
        return obstacle
    if state.wraps is not None:  # it may be another version by now
        dispatcher.request_wrapped_pull(project_id)
        dispatcher.request_forwarding(project_id)
    seen = json.dumps([asdict(project), client.newest_change(project_id), LAYOUT])
    if state.fingerprint == seen:
        return "nothing changed"
    see_to_it(settings, dispatcher.redis, client, project_id)
    try:
        found = put_right(settings, dispatcher, client, project)
    except LabelConfigError as error:
        logger.info("nothing to learn: %s", error)
        found = None
    if found is None:
        state.fingerprint = seen
    return found or "in order"


def put_right(
    settings: Settings, dispatcher: Dispatcher, client: LabelStudioClient, project: Project
) -> str | None:
    """Bring the published queue up to date, and ask for a retrain where that is not enough.

    Returns what to look at again next time, None when all is as it should be.
    """
    versions, state = version_store(settings, project.id), dispatcher.state(project.id)
    wraps = state.wraps is not None
    scheme = parse_config(project.label_config, settings.queue_controls, wraps=wraps)
    directory = project_dir(settings.data_dir, project.id)
    before, busy = versions.names(), dispatcher.is_retraining(project.id)
    tasks = pull(client, project, scheme, directory)
    if not tasks:
        return None
    shards = feature_cache(settings, project.id).waiting.shards()
    forget_lost_shards(dispatcher.redis, project.id, shards)
    dispatcher.request_shards(project.id, shards)
    found = outdated(versions, scheme, tasks)
    if (
        found is None
        and versions.names()[-1] != versions.published()
        and not is_held(versions, state, scheme)
    ):
        found = "the newest version was never published"
    done = keep_full(settings, dispatcher, client, project.id)  # also while a retrain takes its time
    found = found or done.needs_retrain
    if found is None:
        return done.left_alone
    if busy or dispatcher.is_retraining(project.id) or versions.names() != before:  # that explains it
        return RETRAINING
    if state.unseen:
        dispatcher.request_flush(project.id)
        return f"{found}, as was told: a retrain is due"
    logger.info("no webhook told of it: %s", found)
    dispatcher.demand_retrain(project.id)
    return found
