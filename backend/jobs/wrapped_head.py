"""What annotators see of a published head where the project wraps somebody else's ML backend: its answers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from redis import Redis

from backend.errors import DamagedFile, NotConfigured, WrappedBackendError
from backend.jobs.foreign import foreign, manner_of
from backend.jobs.state import ProjectState
from backend.jobs.wrapped_asking import asking, set_up
from backend.jobs.wrapped_state import WrappedState
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.project import Project
from backend.labelstudio.suggestions import fitting
from backend.settings import Settings
from backend.store.locations import project_files
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapped.foreign import Foreign

logger = logging.getLogger(__name__)

ASKED_SECONDS = 10.0
"""For asking about tasks of the head that nothing is kept of; what there is no time for is published without,
and again once it is there."""
UNFIT = "some of its answers do not fit the label config: Label Studio would not take them"
Predictions = list[dict[str, Any]]


class WrappedHead:
    """Of one project that wraps a backend."""

    def __init__(
        self, settings: Settings, redis: Redis, client: LabelStudioClient, project: Project, wraps: str
    ):
        self._settings = settings
        self._redis = redis
        self._client = client
        self._project = project
        self._wraps = wraps
        self._manner = manner_of(settings, wraps)
        self._state = WrappedState(redis, project.id)
        self._kept = WrappedPredictions(project_files(settings, project.id))

    @classmethod
    def of(
        cls, settings: Settings, state: ProjectState, client: LabelStudioClient, project: Project
    ) -> WrappedHead | None:
        """None where the project wraps nothing."""
        wraps = state.wraps
        return None if wraps is None else cls(settings, state.redis, client, project, wraps)

    def begin_order(self) -> None:
        """A new order is about to be made, of what is kept now."""
        self._state.ordered(self._kept.count_since(self._state.since))
        self._with_backend(lambda backend: set_up(self._settings, backend, self._state, ASKED_SECONDS))

    @property
    def told(self) -> dict[str, Any]:
        """For a version's stats: of which backend, and which version of its model, the answers are."""
        return {"wrapped": {"url": self._wraps, "version": self._state.version}}

    def shown(self, predictions: Sequence[dict[str, Any]]) -> Predictions:
        """Predictions of ours, each with a `task`: their scores and their version, its answers. Those that
        Label Studio would drop, and our prediction with them, are left out."""
        ids = [item["task"] for item in predictions]
        lacking = self._lacking(ids)
        if lacking and not self._manner.is_metered:
            self._with_backend(partial(self._ask, lacking))
            lacking = self._lacking(ids)
        self._state.published_without(len(lacking))
        said = {task: list(each.result) for task, each in self._kept.newest(ids).items()}
        kept = fitting(self._project.label_config, said)
        if len(kept) < len(said):
            logger.warning("project %d: %s (%d)", self._project.id, UNFIT, len(said) - len(kept))
            self._state.problems = UNFIT
        return [{**item, "result": kept.get(item["task"], [])} for item in predictions]

    def _lacking(self, ids: Sequence[int]) -> list[int]:
        silent = self._state.silent()
        return [task for task in self._kept.lacking(ids, self._state.since) if task not in silent]

    def _ask(self, ids: Sequence[int], backend: Foreign) -> None:
        """As far as there is time."""
        given = self._settings, self._redis, self._client, backend, self._kept, self._state
        seconds = min(ASKED_SECONDS, self._settings.wrapped_timeout)
        manner = self._manner
        asked = asking(*given, most=manner.batch, silent_for=manner.silent_for, seconds=seconds)
        asked.ask(ids, until=time.time() + ASKED_SECONDS)

    def _with_backend(self, act: Callable[[Foreign], object]) -> None:
        """Unless it has just failed. A head is published whatever goes wrong here."""
        if self._state.rest:
            return
        try:
            project = self._project.id, self._wraps, self._project.label_config, self._state.project
            with foreign(self._settings, self._redis, *project) as backend:
                act(backend)
        except (NotConfigured, DamagedFile) as error:
            logger.warning("%s", error)
        except WrappedBackendError as error:
            self._state.failed(error)
            logger.warning("project %d: the wrapped backend: %s", self._project.id, error)
