"""Why each task stood in the head of a version's queue: for as many versions as annotators may still hold
tasks of. Kept with the models, apart from them: they go sooner."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from backend.store.files import Files
from backend.store.kept_json import UNREADABLE
from backend.store.model_version import version_number
from backend.store.reason import NAMES, Reason

logger = logging.getLogger(__name__)

KEPT = 20
"""Versions, the newest. Of each some ten kB."""
_FOLDER = "served"


class ServedHeads:
    """Of one project. Raises ModelStoreError where that fails."""

    def __init__(self, files: Files):
        self._files = files

    def read(self, version: str) -> dict[int, Reason] | None:
        """By task; None where nothing is kept of the version, or it cannot be read."""
        try:
            found = json.loads(self._files.read(_path(version)))
            return rows_from(found)
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            logger.warning("why the tasks of %s were in the queue cannot be read: %s", version, error)
            return None

    def write(self, version: str, reasons: Mapping[int, Reason]) -> None:
        """Of a version that is about to be published; of the oldest ones it is forgotten."""
        self._files.write(_path(version), json.dumps(as_rows(reasons)).encode())
        names = [path.split("/")[-1].removesuffix(".json") for path in self._files.paths(_FOLDER, ".json")]
        for name in sorted(filter(version_number, names), key=version_number)[:-KEPT]:
            self._files.delete(_path(name))

    def add(self, version: str, reasons: Mapping[int, Reason]) -> None:
        """Of tasks that come into a published head."""
        self.write(version, {**(self.read(version) or {}), **reasons})


def _path(version: str) -> str:
    return f"{_FOLDER}/{version}.json"


def as_rows(reasons: Mapping[int, Reason]) -> dict[str, Any]:
    """As JSON, each column's name once."""
    rows = [[task, *(getattr(reason, name) for name in NAMES)] for task, reason in reasons.items()]
    return {"columns": ["task", *NAMES], "rows": rows}


def rows_from(found: dict[str, Any]) -> dict[int, Reason]:
    """Raises KeyError, TypeError, ValueError or AttributeError for what `as_rows` did not give."""
    made = (dict(zip(found["columns"], row, strict=True)) for row in found["rows"])
    return {int(row["task"]): Reason.from_json(row) for row in made}
