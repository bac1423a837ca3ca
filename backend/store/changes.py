"""What people have changed of a project on its page, and who: kept with the models."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import NamedTuple

from backend.store.grown import GrownRecord
from backend.store.kept_json import UNREADABLE

logger = logging.getLogger(__name__)


class Change(NamedTuple):
    """at: ISO 8601, UTC; what: in words."""

    at: str
    who: str
    what: str


class Changes(GrownRecord[Change]):
    """Of one project, oldest first. Raises ModelStoreError where that fails."""

    folder = "changes"
    ending = ".jsonl"
    part_rows = 500

    def last(self, most: int) -> list[Change]:
        """The last first, of the newest part."""
        return [row for path in self.parts()[-1:] for row in self.rows(path)][::-1][:most]

    def encoded(self, rows: Sequence[Change]) -> bytes:
        return "".join(json.dumps(row) + "\n" for row in rows).encode()

    def rows(self, path: str) -> list[Change]:
        try:
            lines = self._files.read_constant(path).decode("utf-8", "replace").splitlines()
            return [Change(*map(str, json.loads(line))) for line in lines]
        except UNREADABLE as error:
            logger.warning("some changes cannot be read from %s: %s", path, error)
            return []
