"""Bring what Label Studio orders by up to date with the published model, without a retrain.

Label Studio falls back on a random order, without a word, when no task of the queue has a prediction of
the project's current version. So the head is topped up before it runs dry, with the next stretch of the
same ranking under the same version: no switch is needed, and places in the queue are scores that go on
where the published ones end. New tasks are scored by the published model and take their place between.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from redis import Redis

from backend.controls.any_config import parse_config
from backend.controls.impossible import without_impossible
from backend.errors import DamagedFile, LabelConfigError, NotFound
from backend.jobs.clustering import mark_clusters
from backend.jobs.dispatch import Dispatcher
from backend.jobs.encode_pool import kind_of
from backend.jobs.encoding_progress import EncodingProgress
from backend.jobs.front import move
from backend.jobs.head import head_of, switch
from backend.jobs.image_asking import ask_for_images
from backend.jobs.kinds import REFILL
from backend.jobs.pull import last_pulled, pull
from backend.jobs.refilled import LEFT_ALONE, Refilled, in_words
from backend.jobs.state import ProjectState
from backend.jobs.wrapped_head import WrappedHead
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.project import Project
from backend.labelstudio.publishing import Dropped, HeadChanged, extend_head, prediction
from backend.labelstudio.suggestions import silenced, with_suggestions
from backend.loaded import Loaded, load_version
from backend.predicting import ANSWER_SECONDS, answers, why
from backend.said.base import Contents
from backend.settings import Settings
from backend.store.chosen_settings import settings_of
from backend.store.kept_images import KeptImages
from backend.store.locations import project_files, version_store
from backend.store.paths import exclusive, project_dir
from backend.store.served import ServedHeads
from backend.store.tasks import StoredTask
from backend.store.waiting import Shard
from backend.store.wanted_first import Front, WantedFirst

logger = logging.getLogger(__name__)

OnLate = Callable[[str, list[Shard]], object]
ATTEMPTS = 3
"""Tasks may be deleted between the pull and the import; then both are done again."""


def refill(project_id: int) -> dict[str, Any]:
    """The RQ job. Asks for a retrain where only that helps. Returns what was done, as JSON."""
    settings = Settings()
    with Redis.from_url(settings.redis_url) as redis, LabelStudioClient.from_settings(settings) as client:
        dispatcher = Dispatcher(redis, settings)
        dispatcher.state(project_id).settle(REFILL)
        try:
            done = keep_full(settings, dispatcher, client, project_id)
        except (NotFound, LabelConfigError) as error:
            return {"reason": str(error)}
        if done.needs_retrain is not None:
            dispatcher.demand_retrain(project_id)
        elif settings.queue_clusters:
            mark_clusters(settings, client, project_id)
    logger.info("%s", in_words(done))
    return vars(done)


def keep_full(
    settings: Settings,
    dispatcher: Dispatcher,
    client: LabelStudioClient,
    project_id: int,
    moves: int | None = None,
) -> Refilled:
    """`bring_up_to_date`, and note after how many annotations it has to be done again."""
    state = dispatcher.state(project_id)
    seen = state.changes  # before anything is read: what lands later may have used up some of the head

    def on_late(encoder: str, shards: list[Shard]) -> None:
        EncodingProgress(dispatcher.redis, project_id).new_tasks(kind_of(encoder), shards)
        dispatcher.request_shards(project_id, shards)

    done = bring_up_to_date(settings, client, project_id, on_late, state, moves)
    ask_for_images(settings, dispatcher, client, project_id)
    if done.needs_retrain is None:
        state.refill_at(seen + max(1, done.left // 2) if done.more else None)
    return done


def bring_up_to_date(
    settings: Settings,
    client: LabelStudioClient,
    project_id: int,
    on_late: OnLate = lambda encoder, shards: None,
    state: ProjectState | None = None,
    moves: int | None = None,
) -> Refilled:
    """Top up the head of the published version, and make Label Studio order by it (again).

    on_late: told of new tasks' texts that there was no time to encode, in shards for workers; state: says
    what the project wraps, None for nothing; moves: how many published tasks are moved to where they are
    wanted, the first first, None for all.
    Raises NotFound for a project that is gone, LabelConfigError where there is nothing to learn.
    """
    settings = settings_of(settings, project_id)
    for attempt in range(ATTEMPTS):
        project = client.project(project_id, counted=False)
        try:
            wrapped = None if state is None else WrappedHead.of(settings, state, client, project)
            led_here = None if state is None else state.proven_connections
            doing = _Refill(settings, client, project, on_late, wrapped, led_here, moves)
            return doing.run(pull_first=attempt > 0)
        except (Dropped, DamagedFile) as error:
            return Refilled(needs_retrain=str(error))
        except HeadChanged as error:
            logger.warning("%s", error)
    return Refilled(needs_retrain="tasks keep vanishing while the head is published")


class _Refill:
    def __init__(
        self,
        settings: Settings,
        client: LabelStudioClient,
        project: Project,
        on_late: OnLate,
        wrapped: WrappedHead | None,
        led_here: str | None,
        moves: int | None,
    ):
        """led_here: the connections' addresses when one was last seen to lead here."""
        self._moves = moves
        self._settings = settings
        self._led_here = led_here
        self._wrapped = wrapped
        self._on_late = on_late
        self._loaded: Loaded | None = None
        """The version last looked at."""
        self._client = client
        self._project = project
        self._directory = project_dir(settings.data_dir, project.id)
        self._wanted_first = WantedFirst(project_files(settings, project.id))
        wraps = wrapped is not None
        self._scheme = parse_config(project.label_config, settings.queue_controls, wraps=wraps)

    def run(self, *, pull_first: bool) -> Refilled:
        """At first by what is known here: where thousands of tasks are new, a pull takes its time, and the
        head might run dry meanwhile. Then once more if the pull brought something."""
        known = _waiting(last_pulled(self._directory))
        done = Refilled() if pull_first else self._publish(known)
        if done.needs_retrain is not None:
            return done
        waiting = _waiting(pull(self._client, self._project, self._scheme, self._directory))
        encoded = self._encode_new(waiting)
        if not pull_first and waiting == known and not encoded:
            return done
        again = self._publish(waiting)
        return replace(again, added=done.added + again.added, mended=done.mended or again.mended)

    def _encode_new(self, waiting: list[StoredTask]) -> bool:
        """Before anybody is kept from the queue: the new tasks for which there is time, the others later.
        Returns whether there are vectors that were not there before."""
        name = version_store(self._settings, self._project.id).published()
        if name is None:
            return False
        loaded = self._loaded or load_version(self._settings, self._project.id, name)
        new = [task.text for task in waiting if task.id not in loaded.place_of]
        if isinstance(loaded.encoder, KeptImages) or loaded.is_cheap or not new:
            return False
        found = loaded.vectors(new, ANSWER_SECONDS, keep_from=1)
        if found.late or found.late_words:
            self._on_late(loaded.version.encoder, loaded.put_off(found))
        return found.made > 0

    def _publish(self, waiting: list[StoredTask]) -> Refilled:
        """While nobody else changes what Label Studio orders by: a retrain, or a person who pins."""
        with exclusive(self._directory, "publish"):
            versions = version_store(self._settings, self._project.id)
            name = versions.published()
            if name is None:
                return Refilled(needs_retrain="no version is published")
            if not self._scheme.fits(versions.scheme(name)):
                return Refilled(needs_retrain="the published version was trained for another label config")
            loaded = self._loaded = load_version(self._settings, self._project.id, name)
            new = any(task.id not in loaded.place_of for task in waiting)
            if new and loaded.version.network is None and not versions.pinned():
                return Refilled(needs_retrain="new tasks, and no model yet to place them")
            done = self._top_up(loaded, waiting)
            if done.left and self._is_off(name):
                if self._has_left():
                    return replace(done, left_alone=LEFT_ALONE)
                if self._project.model_version not in (None, name):
                    logger.warning(
                        "Label Studio was set to %s and is set back to %s, the one last published; to stay "
                        "with another: label-studio-atlas versions --project %d pin VERSION",
                        *(self._project.model_version, name, self._project.id),
                    )
                switch(self._client, self._project, name, blind=self._settings.blind)
                done = replace(done, mended=True)
            return done

    def _top_up(self, loaded: Loaded, waiting: list[StoredTask]) -> Refilled:
        scored = self._client.scored_tasks(self._project.id, loaded.version.name)
        touched = {task.id for task in waiting if task.touched} | {
            i for i, free in scored.items() if not free
        }
        first = self._client.served_first(self._project)
        front, place_of = self._wanted_first.read(), _places(loaded, waiting)
        queue = sorted(place_of, key=place_of.__getitem__)
        head = head_of(queue, self._settings.queue_head, touched, first, front.number_of)
        places = front.placed(place_of)
        known = {task.id: task for task in waiting}
        missing = [task for task in head if task not in scored]
        sure = self._settings.show_guess_from
        found = loaded.vectors([known[task].text for task in missing], 0)
        guessed = [known[task] for task in found.of(missing)]
        ids, texts = [task.id for task in guessed], [task.text for task in guessed]
        offered = [task.offered for task in guessed]
        contents = Contents(texts, found.features, offered, found.units)
        guesses = answers(loaded, ids, contents, shown_from=sure)
        if missing:
            shown = without_impossible(self._scheme, guesses, offered)
            rest, name = iter(shown), loaded.version.name
            predictions = [
                {"task": task, **(next(rest) if has else prediction(name, 0.0, [])), "score": places[task]}
                for task, has in zip(missing, found.has.tolist(), strict=True)
            ]
            predictions = self._shown(loaded, predictions)
            self._remember(loaded, predictions, place_of, known, front)
            extend_head(self._client, self._project, predictions)
        moved = [*(task for task in head if task in front.number_of), *front.released]
        unmoved = move(self._client, self._project.id, loaded.version.name, places, moved, self._moves)
        is_settled = bool(front.released) and not unmoved
        if is_settled and self._wanted_first.read() == front:  # else another machine has a newer one
            self._wanted_first.write(front.settled())
        left = sum(task not in touched for task in head)
        return Refilled(len(missing), left, len(waiting) > len(head), unmoved=unmoved)

    def _shown(self, loaded: Loaded, predictions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """With another model's regions, where these are what annotators see."""
        if self._wrapped is not None:
            return silenced(self._wrapped.shown(predictions), loaded.silent)
        theirs = loaded.version.stats.get("suggestions")
        return with_suggestions(self._client, self._project, theirs, predictions, loaded.silent)

    def _remember(
        self,
        loaded: Loaded,
        predictions: list[dict[str, Any]],
        place_of: Mapping[int, float],
        known: dict[int, StoredTask],
        front: Front,
    ) -> None:
        """Why these are in the head, before anybody can be served them."""
        ids = [each["task"] for each in predictions]
        reasons = why(loaded, ids, [known[i].text for i in ids], [place_of[i] for i in ids])
        heads = ServedHeads(project_files(self._settings, self._project.id))
        heads.add(loaded.version.name, front.explained(dict(zip(ids, reasons, strict=True))))

    def _is_off(self, name: str) -> bool:
        """Looked at again where it seems so: since the project was read a retrain may have published."""
        if _orders_by(self._project, name, self._settings.blind):
            return False
        self._project = self._client.project(self._project.id, counted=False)
        return not _orders_by(self._project, name, self._settings.blind)

    def _has_left(self) -> bool:
        """Whether a connection is gone that was there when one led here: the order may be another backend's
        by now. The next look tells which it was; it has Label Studio try them all."""
        before = self._led_here
        return before is not None and self._client.wishes(self._project.id).lacks_any_of(before)


def _orders_by(project: Project, name: str, blind: bool) -> bool:
    return project.model_version == name and not (blind and project.shows_predictions)


def _waiting(tasks: list[StoredTask]) -> list[StoredTask]:
    return [task for task in tasks if task.waits]


def _places(loaded: Loaded, waiting: list[StoredTask]) -> dict[int, float]:
    """Of the waiting tasks, those that came after the ranking among them, as far as these have vectors."""
    place_of = dict(loaded.place_of)
    new = [task for task in waiting if task.id not in place_of]
    found = loaded.vectors([task.text for task in new], 0)
    new = found.of(new)
    contents = Contents([task.text for task in new], found.features, units=found.units)
    placed = answers(loaded, [task.id for task in new], contents, seconds=0)
    place_of |= {task.id: item["score"] for task, item in zip(new, placed, strict=True)}
    return {task.id: place_of[task.id] for task in waiting if task.id in place_of}
