"""What each retrain came to, one line each, kept for as long as the project: versions go, their record stays.

Beside the models and apart from the weights. A line that cannot be read loses itself only.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from backend.store.glance import Glance, from_json, glance_of
from backend.store.grown import GrownRecord, rows_by_name
from backend.store.versions import VersionStore

logger = logging.getLogger(__name__)

Entry = dict[str, Any]
"""Of one retrain. `version`: what it made; `at`: when, ISO 8601, UTC; `published`; then a version's stats."""


GLANCE = "history/glance.json"


class History(GrownRecord[Entry]):
    """Of one project, oldest first. Raises ModelStoreError where that fails."""

    folder = "history"
    ending = ".jsonl"
    part_rows = 500

    def add(self, new: Sequence[Entry]) -> None:
        if not new:
            return
        before, known = sum(map(rows_by_name, self.parts())), self._glance()
        super().add(new)
        # One that missed a retrain, whoever was killed or wrote without it, is made anew.
        shown = known.with_new(new) if known is not None and known.count == before else self._glanced()
        self._files.write(GLANCE, shown.as_json())

    def glance(self) -> Glance:
        """What a page shows of it: one file is read, however long it is. Where a release before this one
        wrote it, all are, until the next retrain."""
        return self._glance() or self._glanced()

    def _glance(self) -> Glance | None:
        try:
            return from_json(self._files.read(GLANCE))
        except OSError:
            return None

    def _glanced(self) -> Glance:
        return glance_of([(rows_by_name(path), partial(self._lines, path)) for path in self.parts()], _entry)

    def read(self) -> list[Entry]:
        return [entry for path in self.parts() for entry in self.rows(path)]

    def encoded(self, rows: Sequence[Entry]) -> bytes:
        return "".join(json.dumps(row) + "\n" for row in rows).encode()

    def rows(self, path: str) -> list[Entry]:
        found = [_entry(line) for line in self._lines(path)]
        if None in found:
            logger.warning("%d lines of %s cannot be read and are left out", found.count(None), path)
        return [entry for entry in found if entry is not None]

    def _lines(self, path: str) -> list[str]:
        try:
            return self._files.read_constant(path).decode("utf-8", "replace").splitlines()
        except OSError as error:
            logger.warning("the record of some retrains cannot be read from %s: %s", path, error)
            return []


def retrains(history: History, versions: VersionStore) -> list[Entry]:
    """All there is a record of, and the versions that are kept without one."""
    return [*history.read(), *unrecorded(history, versions)]


def unrecorded(history: History, versions: VersionStore) -> list[Entry]:
    """Of versions that are kept: made before there was a history, or by a job that was killed at its end."""
    recent = [entry["version"] for path in history.parts()[-2:] for entry in history.rows(path)]
    stats = {name: versions.stats(name) for name in versions.names() if name not in recent}
    published = {name for _, name in versions.history()} | {versions.chosen()}
    return [entry_of(name, found, published=name in published) for name, found in stats.items() if found]


def entry_of(version: str, stats: Entry, *, published: bool, **more: Any) -> Entry:
    """stats: the version's; more: what is known besides."""
    return {"version": version, "at": stats.get("created"), "published": published, **stats, **more}


def _entry(line: str) -> Entry | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("version"), str) else None
