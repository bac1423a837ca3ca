"""Ask a wrapped backend about many tasks: in batches that it answers in a few seconds, and one by one where
its answers cannot be told apart. What it says is kept batch by batch, so that a kill costs one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from backend.errors import WrappedBackendError, WrappedFails, WrappedGarbage, WrappedSlow
from backend.jobs.measures import Measures
from backend.jobs.state import digest
from backend.jobs.wrapped_state import SILENT_FOR, WrappedState
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapped.answers import Answer
from backend.wrapped.client import SETUP_SECONDS
from backend.wrapped.foreign import Foreign
from backend.wrapped.prediction import WrappedPrediction

logger = logging.getLogger(__name__)

Task = Mapping[str, Any]
TasksOf = Callable[[Sequence[int]], list[dict[str, Any]]]
"""Gives tasks by their ids as backends want them, without those that are gone or need no prediction."""
Measure = Callable[[float, str], object]
"""Is told how many seconds an answer took, and "well", or how it failed."""
SET_UP_EVERY = 60.0
"""Seconds between looks at its version."""
FETCHED = 200
"""Tasks that are read of Label Studio at once."""
BATCH_SECONDS = 2.0
"""That a batch is to take: as many tasks as that."""
FIRST_BATCH = 4
"""Tasks, before it is known how quick it is."""
FAULTS = 3
"""Of single tasks, one after the other, after which it is not their fault."""


@dataclass
class Clock:
    """now: seconds since 1970; rest: waits; both are those of a machine, or of a test."""

    now: Callable[[], float] = time.time
    rest: Callable[[float], object] = time.sleep


class Asking:
    """One job's. Raises WrappedBackendError where it is the backend's fault, and not a task's.

    most: tasks of a batch; seconds: that an answer may take; silent_for: seconds for which it is not asked
    again about a task that it says nothing of; between: called between two batches, it raises what ends the
    work.
    """

    def __init__(
        self,
        backend: Foreign,
        kept: WrappedPredictions,
        state: WrappedState,
        tasks_of: TasksOf,
        *,
        most: int,
        seconds: float,
        silent_for: int = SILENT_FOR,
        between: Callable[[], object] = lambda: None,
        measure: Measure = lambda seconds, outcome: None,
        clock: Clock | None = None,
    ):
        self._backend = backend
        self._kept = kept
        self._state = state
        self._tasks_of = tasks_of
        self._most = most
        self._seconds = seconds
        self._silent_for = silent_for
        self.between = between
        self._measure = measure
        self.clock = clock or Clock()
        self._size = min(FIRST_BATCH, most)
        self._faults = 0
        self.asked = self.said = 0
        """Tasks so far, and those of which it said something."""
        self.is_news = False
        """Whether an answer was of another version than before: what was said so far is old."""

    def ask(self, ids: Sequence[int], *, rate: float = 0, until: float = float("inf")) -> None:
        """rate: tasks a second at most, 0 for as fast as it answers; until: after it no batch is begun."""
        for batch in self._batches(ids):
            if self.clock.now() >= until:
                return
            began = self.clock.now()
            self._ask(batch)
            took = self.clock.now() - began
            self._adapt(len(batch), took)
            if rate:
                self._rest(len(batch) / rate - took)
            self.between()
            if self.is_news:
                return

    def _batches(self, ids: Sequence[int]) -> Iterator[list[dict[str, Any]]]:
        for start in range(0, len(ids), FETCHED):
            asked = ids[start : start + FETCHED]
            place = {task: i for i, task in enumerate(asked)}
            tasks = sorted(self._tasks_of(asked), key=lambda task: place[task["id"]])
            self._note_silent({*asked} - {task["id"] for task in tasks})
            while tasks:
                batch, tasks = tasks[: self._size], tasks[self._size :]
                yield batch

    def _ask(self, batch: list[dict[str, Any]]) -> None:
        """And keep what it says. Where one of several tasks may be to blame, fewer are asked about."""
        try:
            answer = self._answer(batch)
        except (WrappedFails, WrappedGarbage, WrappedSlow) as error:
            if len(batch) == 1:
                self._single_fault(batch[0], error)
                return
            size = self._size = 1 if isinstance(error, WrappedSlow) else max(1, len(batch) // 2)
            for start in range(0, len(batch), size):
                self._ask(batch[start : start + size])
            return
        if answer.miscounted and len(batch) > 1:
            for task in batch:
                self._ask([task])
            return
        self._faults = 0
        self._keep(batch, answer)

    def _answer(self, batch: Sequence[Task]) -> Answer:
        began = self.clock.now()
        outcome = "well"
        try:
            return self._backend.predict(batch, seconds=self._seconds, version=self._state.version)
        except WrappedBackendError as error:
            outcome = error.failure
            raise
        finally:
            self._measure(self.clock.now() - began, outcome)

    def _single_fault(self, task: Task, error: WrappedBackendError) -> None:
        self._faults += 1
        if isinstance(error, WrappedSlow):
            self._note_silent([task["id"]])  # else what stands behind it would never be asked about
        if self._faults >= FAULTS or isinstance(error, WrappedSlow):
            raise error
        logger.warning("of task %s the wrapped backend says nothing: %s", task["id"], error)
        self._note_silent([task["id"]])
        self.asked += 1

    def _keep(self, batch: Sequence[Task], answer: Answer) -> None:
        predictions = [each for each in answer.predictions if each is not None]
        self._kept.add(predictions)
        self._state.works()
        said = {each.task for each in predictions}
        self._note_silent(task["id"] for task in batch if task["id"] not in said)
        self.asked += len(batch)
        self.said += len(said)
        self._heed(predictions, answer.problems)

    def _note_silent(self, tasks: Iterable[int]) -> None:
        self._state.note_silent(tasks, self._silent_for)

    def _heed(self, predictions: Sequence[WrappedPrediction], problems: Iterable[str]) -> None:
        if predictions and self._state.answered(predictions[-1].version, predictions[-1].made):
            self.is_news = True
        told = "; ".join(problems)
        if told and told != self._state.problems:
            logger.warning("the wrapped backend's answers have something wrong with them: %s", told)
            self._state.problems = told

    def _adapt(self, size: int, took: float) -> None:
        """The next batch's size, by how quick it is: at most twice this one's."""
        fitting = int(size * BATCH_SECONDS / took) if took > 0 else self._most
        self._size = max(1, min(fitting, 2 * size, self._most))

    def _rest(self, seconds: float) -> None:
        until = self.clock.now() + seconds
        while (left := until - self.clock.now()) > 0:
            self.clock.rest(min(left, 0.25))
            self.between()


def asking(
    settings: Settings,
    redis: Redis,
    client: LabelStudioClient,
    backend: Foreign,
    kept: WrappedPredictions,
    state: WrappedState,
    *,
    most: int,
    silent_for: int,
    seconds: float | None = None,
) -> Asking:
    """As a worker asks. most, silent_for: see `Asking`; seconds: of one answer, None for WRAPPED_TIMEOUT."""
    measures, project_id = Measures(redis), state.id
    return Asking(
        backend,
        kept,
        state,
        lambda ids: list(client.waiting_by_id(project_id, ids)),
        most=most,
        seconds=seconds or settings.wrapped_timeout,
        silent_for=silent_for,
        measure=lambda took, outcome: measures.asked_wrapped(project_id, took, outcome),
    )


def set_up(settings: Settings, backend: Foreign, state: WrappedState, seconds: float = SETUP_SECONDS) -> None:
    """Tell it the label config, unless it was told just now, and hear of its model's version."""
    now = time.time()
    if 0 <= now - state.last_set_up < SET_UP_EVERY:
        return
    hostname = settings.label_studio_host or settings.label_studio_url
    version = backend.setup(hostname=hostname, seconds=seconds)
    if state.set_up(version, digest(f"{backend.target.url} {backend.label_config}"), now):
        logger.info("project %d: the wrapped backend is another now, at version %s", state.id, version)
