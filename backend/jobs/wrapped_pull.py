"""Ask the ML backend that a project wraps about its tasks: the head of the queue first, then what waits
behind it, in the queue's order.

What is kept tells what lacks, so a job that is killed goes on where it was. It makes room for whatever else
waits for its worker, and asks for itself again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from backend.errors import DamagedFile, DayIsSpent
from backend.jobs.dispatch import Dispatcher
from backend.jobs.foreign import manner_of
from backend.jobs.kinds import WRAPPED_PULL
from backend.jobs.stepping_aside import Overtaken, StepAside
from backend.jobs.wrapped_asking import asking, set_up
from backend.jobs.wrapped_job import GIVEN_BACK, is_given_back, wait_in, with_wrapped
from backend.jobs.wrapped_state import WrappedState
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings
from backend.store.locations import project_files, version_store
from backend.store.wanted_first import WantedFirst
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapped.foreign import Foreign

logger = logging.getLogger(__name__)

SLICE_SECONDS = 60.0
"""Of one job; then the others of the same queue have their turn."""

LOOK_AGAIN = 600.0
"""Seconds, at most, until it is looked whether there are more texts to a day by now."""
HEADS = 2
"""Of one that costs, asked about at one number of labels: of the order that labels called for, and of the one
that its answers did."""


def pull_wrapped(project_id: int) -> dict[str, Any]:
    """The RQ job. Returns what was done; `wait`: seconds until it is to be done again, None for when it is
    next asked for."""
    return with_wrapped(project_id, WRAPPED_PULL, lambda *given: WrappedPull(*given).run())


def ask_again(dispatcher: Dispatcher, project_id: int, result: Any) -> None:
    """After the job has ended, when its id is free."""
    wait = wait_in(result, dispatcher.state(project_id).owes(WRAPPED_PULL))
    if wait is not None:
        dispatcher.request_wrapped_pull(project_id, wait)


class WrappedPull:
    """One job's."""

    def __init__(
        self,
        settings: Settings,
        dispatcher: Dispatcher,
        client: LabelStudioClient,
        project_id: int,
        wraps: str,
        backend: Foreign,
    ):
        self._settings = settings
        self._dispatcher = dispatcher
        self._client = client
        self._id = project_id
        self._backend = backend
        self._state = WrappedState(dispatcher.redis, project_id)
        self._kept = WrappedPredictions(project_files(settings, project_id))
        self._wraps = wraps
        self._manner = manner_of(settings, wraps)
        self._labels = 0
        given = settings, dispatcher.redis, client, backend, self._kept, self._state
        self._asking = asking(*given, most=self._manner.batch, silent_for=self._manner.silent_for)

    def run(self) -> dict[str, Any]:
        until = time.time() + SLICE_SECONDS
        set_up(self._settings, self._backend, self._state)
        self._labels = self._labelled()
        queue = self._queue()
        head, rest = queue[: self._manner.front], queue[self._manner.front :]
        rate, overtaken, pause = self._manner.rate, None, 0.0
        try:
            self._asking.between = self._between()
            self._asking.ask(self._due(head), until=until)
            self._look_at_order(queue, head)
            if rate:
                self._asking.ask(self._lacking(rest), rate=rate, until=until)
        except Overtaken as reason:
            overtaken = str(reason)
        except DayIsSpent as spent:
            overtaken, pause = str(spent), min(spent.rest, LOOK_AGAIN)
        finally:
            self._state.note_asked(self._labels, self._asking.asked)
        if self._is_given_back:
            return {"asked": self._asking.asked, "overtaken": GIVEN_BACK, "wait": None}
        self._kept.merge()
        left = self._look_at_order(queue, head)
        goes_on = bool(left and rate) or bool(self._due(head))
        asked, said = self._asking.asked, self._asking.said
        if asked:
            logger.info(
                "project %d: the wrapped backend was asked about %d tasks and answered of %d; %d are left",
                *(self._id, asked, said, left),
            )
        done = {"asked": asked, "said": said, "left": left, "overtaken": overtaken}
        return {**done, "wait": pause if goes_on else None}

    def _queue(self) -> list[int]:
        """The waiting tasks in the published order, as far as it is known."""
        versions = version_store(self._settings, self._id)
        name = versions.published()
        if name is None:
            return []
        try:
            queue = versions.load(name).queue_ids.tolist()
        except DamagedFile as damage:  # who predicts by it has it mended
            logger.warning("%s", damage)
            return []
        wanted = WantedFirst(project_files(self._settings, self._id)).read().number_of
        return list(dict.fromkeys([*wanted, *queue]))

    def _between(self) -> Callable[[], None]:
        """What is called between two batches. It raises Overtaken."""
        aside = StepAside(self._dispatcher.redis, float("inf"), lambda: None)

        def look() -> None:
            if self._is_given_back:
                raise Overtaken(GIVEN_BACK)
            aside.look()

        return look

    @property
    def _is_given_back(self) -> bool:
        return is_given_back(self._dispatcher, self._id, self._wraps)

    def _labelled(self) -> int:
        """How many tasks waited no more when the published order was made."""
        versions = version_store(self._settings, self._id)
        name = versions.published()
        stats = {} if name is None else versions.stats(name)
        return int(stats.get("tasks", 0)) - int(stats.get("waiting", 0))

    def _due(self, head: Sequence[int]) -> list[int]:
        """Those of the head to be asked about now. Anybody may have a new order made, and another: what costs
        is asked about two heads until there are other labels."""
        lacking = self._lacking(head)
        if not self._manner.is_metered:
            return lacking
        return lacking[: max(0, HEADS * self._manner.front - self._state.asked_at(self._labels))]

    def _lacking(self, tasks: Sequence[int]) -> list[int]:
        silent = self._state.silent()
        return [task for task in self._kept.lacking(tasks, self._state.since) if task not in silent]

    def _look_at_order(self, queue: list[int], head: list[int]) -> int:
        """Ask for a new order where one is worth it. Returns how many tasks are still to be asked about."""
        left, of_head = len(self._lacking(queue)), len(self._lacking(head))
        done = len(queue) - len(self._kept.lacking(queue, self._state.since))
        self._state.note_progress(len(queue), done)
        known = self._kept.count_since(self._state.since)
        is_due = self._state.is_order_due(head_is_done=not of_head, done=known, is_all=not left)
        if is_due and (not self._manner.is_metered or self._state.orders_once(self._labels)):
            self._dispatcher.demand_retrain(self._id)
        return left
