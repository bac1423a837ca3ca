"""Tell the ML backend that a project wraps of annotations, and have it train; never in a request.

A webhook is only a hint. The job reads anew what there is in Label Studio, and tells each event once and in
order; what it told is written down after each, so that a restart repeats at most one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from backend.errors import (
    WrappedAway,
    WrappedBackendError,
    WrappedRefuses,
    WrappedSlow,
)
from backend.jobs.dispatch import Dispatcher
from backend.jobs.forwarding_due import before, due
from backend.jobs.kinds import FORWARD
from backend.jobs.wrapped_job import GIVEN_BACK, is_given_back, wait_in, with_wrapped
from backend.jobs.wrapped_news import answers_otherwise
from backend.jobs.wrapped_queues import TRAINING
from backend.jobs.wrapped_state import WrappedState
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings
from backend.store.forwarded import TRAINED, Event, Forwarded
from backend.store.locations import project_files, version_store
from backend.store.served import ServedHeads
from backend.store.wrapped_access import read_access
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapped.foreign import Foreign

logger = logging.getLogger(__name__)

EVENT_SECONDS = 10.0
"""For its answer to an event. Label Studio waits one, and repeats none: one that was received and not
answered in time counts as told."""
TRAIN_SECONDS = 100.0
"""For its answer to START_TRAINING, as long as Label Studio waits."""
BUSY_SECONDS = 600.0
"""After a START_TRAINING that was not answered in time there is no other for so long, or until its version
changes: one at a time."""
SLICE_SECONDS = 60.0
"""Of one job; then the others of the same queue have their turn."""
OVERLAP = timedelta(seconds=10)
"""How far each look reaches back: a transaction may commit after a later one did."""


def forward(project_id: int) -> dict[str, Any]:
    """The RQ job. Returns what was done; `wait`: seconds until it is to be done again, None for when it is
    next asked for."""
    return with_wrapped(project_id, FORWARD, lambda *given: Forwarding(*given).run())


def forward_again(dispatcher: Dispatcher, project_id: int, result: Any) -> None:
    """After the job has ended, when its id is free."""
    wait = wait_in(result, dispatcher.state(project_id).owes(FORWARD))
    if wait is not None:
        dispatcher.request_forwarding(project_id, wait)


class _GivenBack(Exception):
    """Nothing more is told to it."""


class Forwarding:
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
        self._wraps = wraps
        self._backend = backend
        self._state = dispatcher.state(project_id)
        self._wrapped = WrappedState(dispatcher.redis, project_id)
        self._files = project_files(settings, project_id)
        self._record = Forwarded(self._files)
        self._known = self._record.read()
        self._told = 0

    def run(self) -> dict[str, Any]:
        try:
            return self._run(time.time() + SLICE_SECONDS)
        except _GivenBack:
            return {"told": self._told, "reason": GIVEN_BACK, "wait": None}

    def _run(self, until: float) -> dict[str, Any]:
        if not self._known.began:
            self._begin()
        left = self._tell(until)
        trained = not left and self._is_training_due() and self._train()
        if self._told or trained:
            self._wrapped.asks_anew()  # it may have learned, and say so
            if not left and self._answers_otherwise():
                self._wrapped.learned_silently(time.time())
            self._dispatcher.request_wrapped_pull(self._id)
        return {"told": self._told, "left": left, "trained": trained, "wait": 0 if left else self._pause()}

    def _begin(self) -> None:
        """What was annotated before is no news to it: then Label Studio told it by itself."""
        access = read_access(self._files)
        known = (access and access.since) or self._client.wrapped_since(self._id)
        since = known or datetime.now(timezone.utc).isoformat()
        there = before(self._client.annotated_tasks(self._id), since)
        self._note(*there, Event(TRAINED, 0, 0, "", time.time()))

    def _tell(self, until: float) -> int:
        """Returns how many events are left."""
        events = due(self._changed(), self._known)
        project = self._client.project_as_told(self._id) if events else {}
        for number, (event, payload) in enumerate(events):
            if time.time() >= until:
                return len(events) - number
            began = time.time()  # what it says from now on it may have learned
            self._send({**payload, "project": project}, EVENT_SECONDS)
            self._note(event._replace(at=began))
            self._told += 1
        return 0

    def _changed(self) -> list[dict[str, Any]]:
        """Tasks that were annotated since it was last told, whole."""
        newest = max((changed for _, changed in self._known.live.values()), default=None)
        if newest is None:
            return list(self._client.annotated_tasks(self._id))
        when = datetime.fromisoformat(newest.replace("Z", "+00:00")) - OVERLAP
        since = when.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        tasks = {task["id"]: task for task in self._client.tasks_changed_since(self._id, since)}
        counts = ("total_annotations", "cancelled_annotations")
        light = {i for i, task in tasks.items() if "annotations" not in task and any(map(task.get, counts))}
        whole = {task["id"]: task for task in self._client.tasks_by_id(self._id, light)} if light else {}
        return [whole.get(i, task) for i, task in tasks.items() if i in whole or i not in light]

    def _is_training_due(self) -> bool:
        asked = self._state.owes(TRAINING)
        return (asked or self._known.since_training >= self._settings.retrain_every) and not self._pause()

    def _pause(self) -> float | None:
        """Seconds until it may be asked to train again; None for at once, or where nothing waits for that."""
        waits = self._state.owes(TRAINING) or self._known.since_training >= self._settings.retrain_every
        left = self._wrapped.trains_for(BUSY_SECONDS)
        return left if waits and left else None

    def _train(self) -> bool:
        project = self._client.project_as_told(self._id)
        self._state.settle(TRAINING)  # first: what is asked for meanwhile makes one more
        self._wrapped.begin_training()
        goes_on = False
        try:
            goes_on = not self._send({"action": "START_TRAINING", "project": project}, TRAIN_SECONDS)
        finally:
            if not goes_on:
                self._wrapped.end_training()
        self._note(Event(TRAINED, 0, 0, "", time.time()))
        return True

    def _send(self, event: Mapping[str, Any], seconds: float) -> bool:
        """Returns whether it answered in time, whatever it did. What it has received is not told again.

        Raises WrappedAway or WrappedRefuses where it has not received it.
        """
        self._check_still_wrapped()
        try:
            self._backend.forward(event, seconds=seconds)
        except (WrappedAway, WrappedRefuses):
            raise
        except WrappedBackendError as error:
            logger.warning(
                "project %d: told of %s, the wrapped backend: %s", self._id, event["action"], error
            )
            if isinstance(error, WrappedSlow):
                return False
            self._wrapped.heard(event["action"], error)
            return True
        self._wrapped.heard(event["action"], None)
        return True

    def _check_still_wrapped(self) -> None:
        if is_given_back(self._dispatcher, self._id, self._wraps):
            raise _GivenBack

    def _answers_otherwise(self) -> bool:
        self._check_still_wrapped()
        name = version_store(self._settings, self._id).published()
        head = [] if name is None else list(ServedHeads(self._files).read(name) or ())
        try:
            kept = WrappedPredictions(self._files)
            return answers_otherwise(self._client, self._backend, kept, self._wrapped, head)
        except WrappedBackendError as error:  # told of by whoever asks next
            logger.info("project %d: whether it has learned is not known: %s", self._id, error)
            return False

    def _note(self, *events: Event) -> None:
        self._record.add(events)
        for event in events:
            self._known.note(event)
