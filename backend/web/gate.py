"""Which projects requests may name: one gate for all routes that leave something behind."""

from __future__ import annotations

import time

from werkzeug.exceptions import ServiceUnavailable

from backend.jobs.dispatch import Dispatcher
from backend.jobs.newcomers import KNOWN, NO_ROOM, Newcomers
from backend.settings import Settings
from backend.store.paths import project_dir

KNOWN_SECONDS = 5
"""For so long a known project is taken for known: bursts need not ask Redis for it each time."""
MOST_KNOWN = 1000


class Gate:
    """Safe to share between threads."""

    def __init__(self, settings: Settings, dispatcher: Dispatcher):
        self._settings = settings
        self._dispatcher = dispatcher
        self._newcomers = Newcomers(dispatcher.redis)
        self._known: dict[int, float] = {}
        """Until when, by the monotonic clock, projects are known."""

    def admits(self, project_id: int, *, lately: bool = False) -> bool:
        """Whether the project is known. Of another one a job asks Label Studio, and a retrain follows.

        lately: it will do that it was a few seconds ago, for what makes no project known again.

        Raises ServiceUnavailable where there are as many projects as there may be.
        """
        now = time.monotonic()
        if lately and self._known.get(project_id, 0) > now:
            return True
        found = self._newcomers.name(project_id, self._settings.max_projects)
        if found != KNOWN and project_dir(self._settings.data_dir, project_id).is_dir():
            self._newcomers.let_in(project_id)  # Redis was emptied
            found = KNOWN
        if found == NO_ROOM:
            raise ServiceUnavailable("There are as many projects as MAX_PROJECTS allows.")
        if found != KNOWN:
            self._dispatcher.request_admission()
            return False
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[project_id] = now + KNOWN_SECONDS
        return True
