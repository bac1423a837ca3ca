"""Bring what Label Studio orders by up to date with the published model, without a retrain.

Label Studio falls back on a random order, without a word, when no task of the queue has a prediction of
the project's current version. So the head is topped up before it runs dry, with the next stretch of the
same ranking under the same version: no switch is needed, and places in the queue are scores that go on
where the published ones end. New tasks are scored by the published model and take their place between.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

from redis import Redis

from backend.errors import DamagedFile, LabelConfigError, NotFound
from backend.jobs.clustering import mark_clusters
from backend.jobs.dispatch import REFILL, Dispatcher
from backend.jobs.pull import pull
from backend.labelstudio.client import LabelStudioClient, Project
from backend.labelstudio.publishing import Dropped, HeadChanged, extend_head
from backend.labelstudio.scheme import parse_label_config
from backend.predicting import Loaded, answers, load_version
from backend.settings import Settings
from backend.store.paths import project_dir
from backend.store.places import version_store
from backend.store.tasks import StoredTask, TaskStore

logger = logging.getLogger(__name__)

ATTEMPTS = 3
"""Tasks may be deleted between the pull and the import; then both are done again."""


@dataclass(frozen=True)
class Refilled:
    """What was done. `left`: tasks of the head nobody has touched yet; `more`: whether others wait behind."""

    added: int = 0
    left: int = 0
    more: bool = False
    mended: bool = False
    needs_retrain: str | None = None
    """Why no published model can do it, None where it could."""


def refill(project_id: int) -> dict[str, Any]:
    """The RQ job. Asks for a retrain where only that helps. Returns what was done, as JSON."""
    settings = Settings()
    with Redis.from_url(settings.redis_url) as redis:
        dispatcher = Dispatcher(redis, settings)
        state = dispatcher.state(project_id)
        state.settle(REFILL)
        client = LabelStudioClient.from_settings(settings)
        try:
            done = bring_up_to_date(settings, client, project_id)
        except (NotFound, LabelConfigError) as error:
            return {"reason": str(error)}
        if done.needs_retrain is not None:
            dispatcher.demand_retrain(project_id)
        else:
            state.refill_after(done.left // 2 if done.more else None)
            if settings.queue_clusters:
                mark_clusters(settings, client, project_id)
    logger.info("%s", done)
    return vars(done)


def bring_up_to_date(settings: Settings, client: LabelStudioClient, project_id: int) -> Refilled:
    """Top up the head of the published version, and make Label Studio order by it (again).

    Raises NotFound for a project that is gone, LabelConfigError where there is nothing to learn.
    """
    for attempt in range(ATTEMPTS):
        project = client.project(project_id)
        try:
            return _Refill(settings, client, project).run(pull_first=attempt > 0)
        except Dropped as error:
            return Refilled(needs_retrain=str(error))
        except DamagedFile as error:
            return Refilled(needs_retrain=str(error))
        except HeadChanged as error:
            logger.warning("%s", error)
    return Refilled(needs_retrain="tasks keep vanishing while the head is published")


class _Refill:
    def __init__(self, settings: Settings, client: LabelStudioClient, project: Project):
        self._settings = settings
        self._client = client
        self._project = project
        self._directory = project_dir(settings.data_dir, project.id)

    def run(self, *, pull_first: bool) -> Refilled:
        """At first by what is known here: where thousands of tasks are new, a pull takes its time, and the
        head might run dry meanwhile. Then once more if the pull brought something."""
        scheme = parse_label_config(self._project.label_config, self._settings.queue_control)
        versions = version_store(self._settings, self._project.id)
        name = versions.published()
        if name is None:
            return Refilled(needs_retrain="no version is published")
        if not scheme.fits(versions.scheme(name)):
            return Refilled(needs_retrain="the published version was trained for another label config")
        loaded = load_version(self._settings, self._project.id, name)
        with TaskStore(self._directory / "tasks.sqlite") as store:
            known = _waiting(store)
            done = None if pull_first else self._mend(name, self._top_up(loaded, known))
            pull(self._client, self._project, scheme, store)
            waiting = _waiting(store)
        if done is not None and waiting == known:
            return done
        new = any(task.id not in loaded.place_of for task in waiting)
        if new and loaded.version.network is None and not versions.pinned():
            return Refilled(needs_retrain="new tasks, and no model yet to place them")
        again = self._top_up(loaded, waiting)
        if done is None:
            return self._mend(name, again)
        return replace(again, added=done.added + again.added, mended=done.mended)

    def _top_up(self, loaded: Loaded, waiting: list[StoredTask]) -> Refilled:
        scored = self._client.scored_tasks(self._project.id, loaded.version.name)
        head = _head(loaded, waiting, self._settings.queue_head)
        missing = [task for task in head if task.id not in scored]
        ids = [task.id for task in missing]
        told = answers(loaded, ids, [task.text for task in missing])
        if told:
            predictions = [{"task": i, **item} for i, item in zip(ids, told, strict=True)]
            extend_head(self._client, self._project, predictions)
        left = sum(scored.get(task.id, True) for task in head)
        return Refilled(len(missing), left, len(waiting) > len(head))

    def _mend(self, name: str, done: Refilled) -> Refilled:
        """Make Label Studio order by the version, if it does not and there is something to order."""
        if not done.left or not self._is_off(name):
            return done
        self._client.publish(self._project.id, name, blind=self._settings.blind)
        return replace(done, mended=True)

    def _is_off(self, name: str) -> bool:
        return self._project.model_version != name or (
            self._settings.blind and self._project.shows_predictions
        )


def _waiting(store: TaskStore) -> list[StoredTask]:
    return [task for task in store.tasks() if not task.is_labeled and task.target is None]


def _head(loaded: Loaded, waiting: list[StoredTask], size: int) -> list[StoredTask]:
    """The first of the waiting tasks by place, those that came after the ranking among them."""
    place_of = dict(loaded.place_of)
    new = [task for task in waiting if task.id not in place_of]
    scores = [
        item["score"] for item in answers(loaded, [task.id for task in new], [task.text for task in new])
    ]
    place_of |= dict(zip((task.id for task in new), scores, strict=True))
    return sorted(waiting, key=lambda task: place_of[task.id])[:size]
