"""Do what somebody asked for on a page, with the tasks that they selected."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from redis import Redis

from backend.jobs.asked_again import AskedAgain
from backend.jobs.dispatch import Dispatcher
from backend.jobs.pull import last_pulled
from backend.jobs.refill import keep_full
from backend.jobs.selections import ASK, EXPORT, FIRST, RELEASE, SHOW, SHOW_GUESSES, Selection, Selections
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.tabs import ranges
from backend.results.asking_again import ask_again
from backend.results.exported import keep_exported
from backend.results.labels import collect_labels, in_words
from backend.settings import Settings
from backend.store.chosen_settings import settings_of
from backend.store.judged_labels import JudgedLabels
from backend.store.locations import project_files
from backend.store.paths import exclusive, project_dir
from backend.store.wanted_first import Front, WantedFirst

logger = logging.getLogger(__name__)

AT_ONCE = 10
"""Tasks that somebody wants next and that stand elsewhere in what is published: so many are moved before that
is said, one after the other; a refill moves the others, while annotators are busy with these."""
TAB = "Selected on the map"
"""Title of the Data Manager's tab; there is one for a project, and it shows what was selected last."""


def heed_selection(project_id: int, key: str) -> dict[str, Any]:
    """The RQ job. Returns what was done, in words, as JSON: `said`."""
    settings = Settings()
    with Redis.from_url(settings.redis_url) as redis, LabelStudioClient.from_settings(settings) as client:
        selections = Selections(redis, project_id)
        asked = selections.read(key)
        if asked is None:
            return {"said": "what was selected is not known any more"}
        if not asked.said:
            work = _Heeding(settings, Dispatcher(redis, settings), client, project_id)
            asked = work.of(asked)
            selections.keep(asked, key)
            logger.info("%s asked: %s", asked.by or "somebody", asked.said)
        return {"said": asked.said}


class _Heeding:
    def __init__(
        self, settings: Settings, dispatcher: Dispatcher, client: LabelStudioClient, project_id: int
    ):
        self._settings = settings
        self._dispatcher = dispatcher
        self._client = client
        self._id = project_id
        self._directory = project_dir(settings.data_dir, project_id)
        self._kept = WantedFirst(project_files(settings, project_id))

    def of(self, asked: Selection) -> Selection:
        """Raises AtlasError where Label Studio or a store fails."""
        done: dict[str, Callable[[Selection], Selection]] = {
            FIRST: self._first,
            RELEASE: self._release,
            SHOW: self._show,
            ASK: self._ask,
            SHOW_GUESSES: self._show_guesses,
            EXPORT: self._export,
        }
        return done[asked.kind](asked)

    def _first(self, asked: Selection) -> Selection:
        waiting = {task.id for task in last_pulled(self._directory) if task.waits}
        wanted = [task for task in asked.tasks if task in waiting]
        labelled = len(asked.tasks) - len(wanted)
        besides = f"; {labelled} of those selected have a label already" if labelled else ""
        if not wanted:
            return asked.done("None of these tasks waits for a label, so none was put first")
        front = self._change(lambda front: front.among(waiting).with_wish(wanted, asked.by, time.time()))
        published = self._publish(AT_ONCE)
        said = f"{_tasks(len(wanted))} stand first until labelled or released{besides}{published}"
        return asked.done(said, made=front.used)

    def _release(self, asked: Selection) -> Selection:
        before = len(self._kept.read().number_of)
        front = self._change(
            lambda front: front.without_wish(asked.wish) if asked.wish else front.without(front.number_of)
        )
        gone = before - len(front.number_of)
        return asked.done(f"{_tasks(gone)} went back to their places in the queue{self._publish()}")

    def _show(self, asked: Selection) -> Selection:
        known = {task.id for task in last_pulled(self._directory)}
        tab = self._client.show_in_tab(self._id, TAB, asked.tasks, known)
        shown = sum(
            first <= task <= last for first, last in ranges(asked.tasks, known) for task in asked.tasks
        )
        more = f" (of {len(asked.tasks):,}: a tab takes no more parts)" if shown < len(asked.tasks) else ""
        said = f"{_tasks(shown)} are in the Data Manager's tab “{TAB}”{more}"
        return asked.done(said, address=f"/projects/{self._id}/data?tab={tab.id}")

    def _ask(self, asked: Selection) -> Selection:
        opened = ask_again(self._settings, self._client, self._id, asked.tasks)
        JudgedLabels(project_files(self._settings, self._id), self._directory).opened(opened)
        AskedAgain(self._dispatcher.redis, self._id).waits = True
        wait = "waits" if len(opened) == 1 else "wait"
        return asked.done(f"{_tasks(len(opened))} {wait} for one more annotator, before any new task")

    def _show_guesses(self, asked: Selection) -> Selection:
        if settings_of(self._settings, self._id).blind:  # somebody has changed their mind since
            return asked.done("Annotators are shown no guess: the project is blind again")
        self._client.show_predictions(self._id)
        return asked.done("Annotators are shown the guesses again")

    def _export(self, asked: Selection) -> Selection:
        labels = collect_labels(self._settings, self._client, self._id)
        keep_exported(project_files(self._settings, self._id), labels)
        return asked.done(f"The labels can be downloaded: {in_words(labels)}")

    def _change(self, change: Callable[[Front], Front]) -> Front:
        """While nobody publishes."""
        with exclusive(self._directory, "publish"):
            front = change(self._kept.read())
            self._kept.write(front)
            return front

    def _publish(self, moves: int | None = None) -> str:
        """Have Label Studio's queue follow. Returns what there is to add to what was done."""
        done = keep_full(self._settings, self._dispatcher, self._client, self._id, moves)
        if done.unmoved:
            self._dispatcher.request_refill(self._id)
        if done.needs_retrain is None:
            return ""
        self._dispatcher.demand_retrain(self._id)
        return f", once the retrain that was asked for has ended ({done.needs_retrain})"


def _tasks(count: int) -> str:
    return f"{count} task{'s' * (count != 1)}"
