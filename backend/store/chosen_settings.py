"""Settings of a project that were chosen on its page: they hold in place of the environment's."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from backend.settings import Settings
from backend.store.kept_json import UNREADABLE
from backend.store.locations import project_files

logger = logging.getLogger(__name__)

FILE = "chosen-settings.json"
CHANGEABLE = tuple(
    name for name in ("strategy", "blind", "audit_share", "goal_accuracy") if name in Settings.model_fields
)
"""Those that may be chosen: what they change, a retrain or a refill brings about."""


def chosen(settings: Settings, project_id: int) -> dict[str, Any]:
    """By name. What cannot be read is not there, and named in the log. Raises ModelStoreError."""
    try:
        found = json.loads(project_files(settings, project_id).read(FILE))
        return {name: found[name] for name in CHANGEABLE if name in found}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UNREADABLE as error:
        logger.warning("%s of project %d cannot be read: %s", FILE, project_id, error)
        return {}


def choose(settings: Settings, project_id: int, values: Mapping[str, Any]) -> None:
    """Instead of all that was chosen before. Raises ModelStoreError, OSError."""
    project_files(settings, project_id).write(FILE, json.dumps(dict(values)).encode())


def settings_of(settings: Settings, project_id: int) -> Settings:
    """As they hold for the project, connections apart. Raises ModelStoreError."""
    return settings.model_copy(update=chosen(settings, project_id))
