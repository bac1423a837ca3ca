"""A project's history as a curve, however long it is: of each part that will not change some entries, read
once by each process."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from backend.store.files import Files
from backend.store.history import Entry, History

PER_PART = 10
"""Entries of a whole part of the history that a curve has."""
RECENT_PARTS = 2
"""The last ones, of which all entries are read."""
MOST_POINTS = 400
KEPT_PARTS = 4096
"""That a process remembers, a few kilobytes each."""
COLUMNS = ("version", "at", "trained_on", "accuracy", "macro_f1", "measured", "estimate")


def curve(history: History, files: Files, place: str) -> list[Entry]:
    """At most MOST_POINTS entries, oldest first, with COLUMNS of what they have. place: tells the project's
    files from those of others."""
    parts = history.parts()
    old = [entry for path in parts[:-RECENT_PARTS] for entry in _sample(_Part(files, place, path))]
    new = [_short(entry) for path in parts[-RECENT_PARTS:] for entry in history.rows(path)]
    return _thinned([*_thinned(old, MOST_POINTS // 2), *_thinned(new, MOST_POINTS // 2)], MOST_POINTS)


def recent(history: History, most: int) -> list[Entry]:
    """The last entries, oldest first."""
    found: list[Entry] = []
    for path in reversed(history.parts()[-RECENT_PARTS:]):
        found = [*history.rows(path), *found]
        if len(found) >= most:
            break
    return found[-most:]


class _Part:
    """Equal where the file is the same: one that is never written twice."""

    def __init__(self, files: Files, place: str, path: str):
        self.files = files
        self.path = path
        self._key = (place, path)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Part) and self._key == other._key


@lru_cache(maxsize=KEPT_PARTS)
def _sample(part: _Part) -> tuple[Entry, ...]:
    """Of its lines a few are parsed, the last among them."""
    try:
        lines = part.files.read_constant(part.path).decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
    chosen = _thinned(lines, PER_PART)
    return tuple(entry for line in chosen if (entry := _parsed(line)) is not None)


def _parsed(line: str) -> Entry | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return _short(found) if isinstance(found, dict) else None


def _short(entry: Entry) -> Entry:
    return {name: entry[name] for name in COLUMNS if name in entry}


def _thinned(rows: list[Any], most: int) -> list[Any]:
    """Evenly, with the last."""
    if len(rows) <= most:
        return rows
    step = (len(rows) - 1) / (most - 1)
    return [rows[round(i * step)] for i in range(most)]
