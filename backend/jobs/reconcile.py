"""Heal what no webhook told of: Label Studio never repeats a lost one, and sends none for some changes."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict

from redis import Redis

from backend import logs
from backend.errors import AtlasError, LabelConfigError, NotFound
from backend.jobs.dispatch import Dispatcher
from backend.jobs.pull import pull
from backend.jobs.state import known_projects
from backend.labelstudio.client import LabelStudioClient, Project
from backend.labelstudio.scheme import parse_label_config
from backend.sampling import check_name
from backend.settings import Settings
from backend.store.paths import project_dir
from backend.store.places import stored_projects, version_store
from backend.store.tasks import TaskStore, fingerprint

logger = logging.getLogger(__name__)

OTHER_QUEUE = "Label Studio does not order by the published version"
RETRAINING = "a retrain is on its way"


def reconcile() -> dict[str, str]:
    """The RQ job, over all projects. Returns what was found, by project."""
    settings = Settings()
    found = {}
    with Redis.from_url(settings.redis_url) as redis:
        dispatcher = Dispatcher(redis, settings)
        client = LabelStudioClient.from_settings(settings)
        for project_id in sorted({*known_projects(redis), *stored_projects(settings)}):
            logs.set_project(project_id)
            try:
                found[str(project_id)] = _reconcile(settings, dispatcher, client, project_id)
            except AtlasError as error:  # one broken project must not keep the others waiting
                logger.warning("%s", error)
                found[str(project_id)] = str(error)
    return found


def _reconcile(settings: Settings, dispatcher: Dispatcher, client: LabelStudioClient, project_id: int) -> str:
    if dispatcher.is_retraining(project_id):
        return RETRAINING
    state = dispatcher.state(project_id)
    try:
        project = client.project(project_id)
    except NotFound:
        state.forget()
        return "gone"
    wishes = client.wishes(project_id)
    state.held_by_label_studio = not wishes.updates
    state.strategy_is_disputed = wishes.disputed
    strategy = _known(wishes.strategy)
    if state.strategy != strategy:  # Redis lost it: /setup takes it only when it comes
        state.strategy = strategy
        dispatcher.demand_retrain(project_id)
        return "another strategy is asked for"
    seen = json.dumps([asdict(project), client.newest_change(project_id)])
    if state.fingerprint == seen:
        return "nothing changed"
    found = _differences(settings, client, project)
    if found is None:
        state.fingerprint = seen
        return "in order"
    if dispatcher.is_retraining(project_id):  # since then: it explains what was found
        return RETRAINING
    logger.info("no webhook told of it: %s", found)
    if found == OTHER_QUEUE:  # no retrain for that
        dispatcher.request_refill(project_id)
    else:
        dispatcher.demand_retrain(project_id)
    return found


def _known(strategy: str | None) -> str | None:
    """None for one that does not exist: /setup has refused it, with the reason."""
    try:
        return None if strategy is None else check_name(strategy)
    except ValueError as error:
        logger.warning("extra params: %s", error)
        return None


def _differences(settings: Settings, client: LabelStudioClient, project: Project) -> str | None:
    """What a job should see to; None when all is as the newest version saw it, or nothing can be learned."""
    try:
        scheme = parse_label_config(project.label_config, settings.queue_control)
    except LabelConfigError:
        return None
    directory = project_dir(settings.data_dir, project.id)
    with TaskStore(directory / "tasks.sqlite") as store:
        pull(client, project, scheme, store)
        tasks = store.tasks()
    if not tasks:
        return None
    versions = version_store(settings, project.id)
    names = versions.names()
    if not names or not scheme.fits(versions.scheme(names[-1])):
        return "no version for this label config"
    if versions.stats(names[-1]).get("fingerprint") != fingerprint(tasks):
        return "tasks or annotations changed"
    published = versions.published()
    if published is None:
        return "no version is published"
    waiting = sum(not task.is_labeled and task.target is None for task in tasks)
    scored = sum(client.scored_tasks(project.id, published).values())
    shown = settings.blind and project.shows_predictions
    if project.model_version != published or shown or scored < min(waiting, settings.queue_head) / 2:
        return OTHER_QUEUE
    return None
