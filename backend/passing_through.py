"""Predictions of projects that wrap somebody else's ML backend: what is kept of it, else it is asked at once.

Asking takes as long as that backend likes. So it has few slots, of its own: one that hangs holds some of them
for a while, and costs other projects, and this one's webhooks, nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from redis import RedisError

from backend.afterwards import Afterwards
from backend.errors import (
    DamagedFile,
    ModelStoreError,
    NotConfigured,
    WrappedAway,
    WrappedBackendError,
    WrappedRefuses,
    WrappedSlow,
)
from backend.generation.named import GENERATION
from backend.jobs.dispatch import Dispatcher
from backend.jobs.measures import Measures
from backend.jobs.wrapped_standing import Standing, standing
from backend.jobs.wrapped_state import WrappedState
from backend.placing import lot_of
from backend.predicting import Predictor
from backend.settings import Settings
from backend.store.locations import project_files
from backend.store.wrapped_access import target_of
from backend.store.wrapped_predictions import WrappedPredictions
from backend.threads import slow_threads
from backend.wrapped.client import WrappedBackend
from backend.wrapped.prediction import WrappedPrediction, digest_of

logger = logging.getLogger(__name__)

KNOWN_SECONDS = 5.0
"""For so long what is known of a project's backend, its credentials among it, is not looked up again."""
MOST_HELD = 100
"""Projects of which that is held, and whose connections are kept."""
UNKEPT_MOST = 200
"""Answers that wait to be kept; more are forgotten, and asked for again by a worker."""
ENOUGH = 0.9
"""Of WRAPPED_TIMEOUT: who had less was not slow."""
Shown = dict[str, Any]


class PassSlots:
    """How many requests may wait for wrapped backends at once: in all, and for one of them. Shared between
    threads."""

    def __init__(self, web_threads: int):
        self._most = slow_threads(web_threads) // 2
        self._most_each = max(1, self._most // 2)
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def one(self, url: str) -> Iterator[bool]:
        """Gives whether there was one: nobody waits for another's."""
        with self._lock:
            free = self._taken.total() < self._most and self._taken[url] < self._most_each
            self._taken[url] += free
        try:
            yield free
        finally:
            if free:
                with self._lock:
                    self._taken[url] -= 1
                    self._taken += Counter()  # those without any go


class PassingThrough:
    """For all projects that wrap a backend. Safe to share between threads.

    knows_who_asks: requests come through a server that has checked BASIC_AUTH_USER and its password.
    """

    def __init__(
        self, settings: Settings, dispatcher: Dispatcher, predictor: Predictor, *, knows_who_asks: bool
    ):
        self._settings = settings
        self._dispatcher = dispatcher
        self._predictor = predictor
        self._slots = PassSlots(settings.web_threads)
        self._held: OrderedDict[int, tuple[float, WrappedBackend]] = OrderedDict()
        """By project, until when it need not be looked up again."""
        self._stores: OrderedDict[int, WrappedPredictions] = OrderedDict()
        self._lock = threading.Lock()
        self._afterwards = Afterwards("what a wrapped backend said, or how long it took,", UNKEPT_MOST)
        self._last_known: dict[int, Standing | None] = {}
        self._knows_who_asks = knows_who_asks

    def standing(self, project_id: int) -> Standing | None:
        """What the project wraps, None for nothing; while Redis is away, what it last did."""
        try:
            found = self._last_known[project_id] = standing(self._dispatcher.redis, project_id)
        except RedisError as error:
            logger.warning("project %d: %s", project_id, error)
            found = self._last_known.get(project_id)
        if len(self._last_known) > self._settings.max_projects:
            self._last_known.clear()
        return found

    def kept(self, project_id: int, body: Mapping[str, Any]) -> dict[int, WrappedPrediction]:
        """What was said of the body's tasks, by id, as far as it is kept and can be read; nothing where it
        is asked about what an annotator has under their hand. Where anybody may ask, who does not bring a
        task's data is told nothing of it."""
        if _context(body) is not None:
            return {}
        tasks = {task["id"]: task for task in body["tasks"] if _has_number(task)}
        try:
            found = self._store(project_id).newest(tasks)
        except (ModelStoreError, OSError) as error:
            logger.warning("project %d: what its ML backend said cannot be read: %s", project_id, error)
            return {}
        if self._knows_who_asks:
            return found
        return {i: each for i, each in found.items() if each.about == digest_of(tasks[i].get("data"))}

    def results(
        self,
        project_id: int,
        standing: Standing,
        body: Mapping[str, Any],
        kept: Mapping[int, WrappedPrediction],
        until: float,
    ) -> list[Shown | list[Any]]:
        """One prediction per task, in order, under our version and with our places; [] where nothing is said,
        which Label Studio skips. What is not kept is asked for until that moment of the monotonic clock; a
        model that writes is asked by workers alone."""
        tasks = body["tasks"]
        asked = [] if standing.wraps == GENERATION else tasks
        rest = [task for task in asked if _has_number(task) and task["id"] not in kept]
        said = {**kept, **self._passed(project_id, standing, body, rest, until)} if rest else kept
        silent = self._silent(project_id) if _context(body) is None else frozenset()
        return self._shown(project_id, tasks, said, silent) if said else []

    def _passed(
        self, project_id: int, standing: Standing, body: Mapping[str, Any], tasks: Sequence[Any], until: float
    ) -> dict[int, WrappedPrediction]:
        """What it says now of these of the body's tasks, by id. Nothing where it fails: Label Studio, and an
        annotator, are waiting."""
        if standing.rest:
            return {}
        with self._slots.one(standing.wraps) as free:
            if not free:
                logger.warning("project %d: its ML backend has as many requests as it may", project_id)
                return {}
            try:
                return self._ask(project_id, standing, body, tasks, until)
            except (WrappedBackendError, NotConfigured, DamagedFile, ModelStoreError, RedisError) as error:
                logger.warning("project %d: its ML backend was not asked, or failed: %s", project_id, error)
                return {}

    def _shown(
        self,
        project_id: int,
        tasks: Sequence[Any],
        said: Mapping[int, WrappedPrediction],
        silent: frozenset[int],
    ) -> list[Shown | list[Any]]:
        """silent: tasks that are to carry no guess, since they were drawn at random, or hide those."""
        version, places = self._places(project_id)
        found: list[Shown | list[Any]] = []
        for task in tasks:
            one = said.get(task["id"]) if _has_number(task) else None
            if one is None:
                found.append([])
                continue
            place = places.get(one.task, lot_of(one.task, ""))
            ours = one.version if version is None else version
            result = [] if one.task in silent else list(one.result)
            found.append({"result": result, "score": place, "model_version": ours})
        return found

    def close(self) -> None:
        """What waits to be kept is kept first."""
        self._afterwards.close()
        for _, backend in self._held.values():
            backend.close()

    def _ask(
        self,
        project_id: int,
        standing: Standing,
        body: Mapping[str, Any],
        tasks: Sequence[Mapping[str, Any]],
        until: float,
    ) -> dict[int, WrappedPrediction]:
        state = WrappedState(self._dispatcher.redis, project_id)
        backend = self._backend(project_id, standing.wraps)
        backend = backend.about(str(body.get("project")), str(body.get("label_config") or ""))
        context = _context(body)
        found: dict[int, WrappedPrediction] = {}
        for start in range(0, len(tasks), self._settings.wrapped_batch):
            left = until - time.monotonic()
            if left <= 0:
                break
            some = tasks[start : start + self._settings.wrapped_batch]
            try:
                said = self._answer(state, backend, some, context, standing.version, left)
            except WrappedSlow:
                if not found:
                    raise
                break
            found |= {each.task: each for each in said}
            if context is None and said and self._knows_who_asks:  # else its data may be made up
                self._afterwards.do(self._store(project_id).add, said)
        return found

    def _answer(
        self,
        state: WrappedState,
        backend: WrappedBackend,
        tasks: Sequence[Mapping[str, Any]],
        context: Any,
        version: str | None,
        seconds: float,
    ) -> list[WrappedPrediction]:
        began, outcome = time.monotonic(), "well"
        try:
            answer = backend.predict(tasks, context, seconds=seconds, version=version)
            return [each for each in answer.predictions if each is not None]
        except WrappedBackendError as error:
            outcome = error.failure
            is_slow = isinstance(error, WrappedSlow) and seconds >= ENOUGH * self._settings.wrapped_timeout
            if is_slow or isinstance(error, (WrappedAway, WrappedRefuses)):  # not for one task's sake
                state.failed(error)
            raise
        finally:
            self._afterwards.do(self._measure, state.id, time.monotonic() - began, outcome)

    def _measure(self, project_id: int, seconds: float, outcome: str) -> None:
        Measures(self._dispatcher.redis).asked_wrapped(project_id, seconds, outcome)

    def _store(self, project_id: int) -> WrappedPredictions:
        with self._lock:
            found = self._stores.get(project_id)
            if found is None:
                found = WrappedPredictions(project_files(self._settings, project_id))
            self._stores[project_id] = found
            self._stores.move_to_end(project_id)
            while len(self._stores) > MOST_HELD:
                self._stores.popitem(last=False)
            return found

    def _backend(self, project_id: int, wraps: str) -> WrappedBackend:
        """Over connections that are kept, looked up again every few seconds. Raises NotConfigured where it
        may not be called."""
        now = time.monotonic()
        with self._lock:
            held = self._held.get(project_id)
            if held is not None and now < held[0] and held[1].target.url == wraps:
                self._held.move_to_end(project_id)
                return held[1]
        target = target_of(self._settings, project_id, wraps)
        same = held is not None and held[1].target == target
        backend = held[1] if held is not None and same else WrappedBackend(target, str(project_id), "")
        with self._lock:
            self._held[project_id] = now + KNOWN_SECONDS, backend
            while len(self._held) > MOST_HELD:
                self._held.popitem(last=False)
        return backend

    def _places(self, project_id: int) -> tuple[str | None, Mapping[int, float]]:
        """The published version, None for none, and where its queue has each task."""
        try:
            return self._predictor.places(project_id)
        except (DamagedFile, ModelStoreError) as error:
            logger.warning("project %d: %s", project_id, error)
            return None, {}

    def _silent(self, project_id: int) -> frozenset[int]:
        try:
            return self._predictor.silent(project_id)
        except (DamagedFile, ModelStoreError):  # `_places` tells it
            return frozenset()


def _context(body: Mapping[str, Any]) -> Any:
    """What an annotator has under their hand; None where the request is about whole tasks."""
    params = body.get("params")
    return params.get("context") if isinstance(params, dict) else None


def _has_number(task: Any) -> bool:
    """One of 64 bits, as tasks are kept by; Label Studio has no other."""
    number = task.get("id") if isinstance(task, dict) else None
    return type(number) is int and -(2**63) <= number < 2**63
