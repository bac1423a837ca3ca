"""By which secret each project's webhook is known: a digest, kept with the project's models.

Redis has a copy, which is what webhooks are held against: it may be lost at any time, and then is read anew
from where it is kept. Only `connect` and the worker that finds the connection gone change what is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from redis import Redis

from backend.errors import DamagedFile
from backend.jobs.state import ProjectState
from backend.settings import Settings
from backend.store.kept_json import UNREADABLE
from backend.store.locations import project_files
from backend.store.paths import is_own

FILE = "webhook.json"


class WebhookSecrets:
    """Digests of the Authorization headers that `connect` gave webhooks, by project. Cheap to make."""

    def __init__(self, redis: Redis, settings: Settings):
        self._redis = redis
        self._settings = settings

    def digest(self, project_id: int) -> str | None:
        """None where `connect` gave none.

        Raises ModelStoreError or DamagedFile where that cannot be told: then nobody may be let in.
        """
        state = ProjectState(self._redis, project_id)
        copy = state.webhook_digest
        if copy is None:
            copy = self.kept(project_id)
            if copy is not None:
                state.webhook_digest = copy
        return copy

    def kept(self, project_id: int) -> str | None:
        """The digest where it is kept, whatever Redis says. Raises as `digest` does."""
        files = project_files(self._settings, project_id)
        try:
            found = json.loads(files.read_at_once(FILE))["digest"]  # a webhook has a second
        except (FileNotFoundError, NotADirectoryError):
            return None
        except UNREADABLE as error:
            raise DamagedFile(
                f"{FILE} of project {project_id} cannot be read ({type(error).__name__}: {error}): "
                "`label-studio-atlas connect` writes it anew"
            ) from error
        return str(found)

    def remember(self, project_id: int, digest: str) -> None:
        """Raises ModelStoreError, with nothing changed, where it cannot be kept.

        Another user's DATA_DIR is left to that user's worker, which copies it from Redis at its next look.
        """
        if is_own(self._settings.data_dir):
            project_files(self._settings, project_id).write(FILE, json.dumps({"digest": digest}).encode())
        ProjectState(self._redis, project_id).webhook_digest = digest

    def forget(self, project_id: int) -> None:
        """The project takes webhooks without a secret from now on."""
        project_files(self._settings, project_id).delete(FILE)
        ProjectState(self._redis, project_id).webhook_digest = None

    def keep(self, project_ids: Iterable[int]) -> None:
        """Copy to where models are kept what Redis has: the release before kept it there alone, and `connect`
        may have been run with another DATA_DIR."""
        for project_id in project_ids:
            copy = ProjectState(self._redis, project_id).webhook_digest
            if copy is not None and self._kept_or_damaged(project_id) != copy:
                self.remember(project_id, copy)

    def _kept_or_damaged(self, project_id: int) -> str | None:
        try:
            return self.kept(project_id)
        except DamagedFile:  # it is written anew
            return None


def former_authorizations(settings: Settings) -> list[str]:
    """The Authorization headers that releases before gave to webhooks: still let in for projects whose
    webhook has no secret of its own yet. Empty where they gave none."""
    secret = settings.webhook_secret
    bearer = None if secret is None else f"Bearer {secret.get_secret_value()}"
    return [header for header in (bearer, settings.basic_authorization) if header is not None]
