"""Whether tasks of a project wait for one more annotator because somebody asked for it."""

from __future__ import annotations

import logging

from redis import Redis

from backend.errors import DamagedFile
from backend.jobs.project_hash import ProjectHash
from backend.labelstudio.client import LabelStudioClient
from backend.results.asking_again import keep_open
from backend.settings import Settings

log = logging.getLogger(__name__)


class AskedAgain(ProjectHash):
    """As it was when last looked at: an event that tells of a project's settings must be answered at once."""

    @property
    def waits(self) -> bool:
        return self._flag("asked_again")

    @waits.setter
    def waits(self, value: bool) -> None:
        self._set("asked_again", "1" if value else None)


def see_to_it(settings: Settings, redis: Redis, client: LabelStudioClient, project_id: int) -> None:
    """Have Label Studio serve these tasks first, where that was undone. A damaged note of which they are is
    logged and keeps nothing else from being done. Raises else as `keep_open`."""
    try:
        AskedAgain(redis, project_id).waits = keep_open(settings, client, project_id)
    except DamagedFile as error:
        log.warning("%s", error)
