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
"""The last ones, of which a curve has more."""
MOST_POINTS = 100
RECENT = 50
"""Entries that are read whole."""
KEPT_PARTS, KEPT_TAILS = 4096, 256
"""That a process remembers."""
COLUMNS = ("version", "at", "trained_on", "accuracy", "macro_f1", "measured", "estimate")


def curve(history: History, files: Files, place: str) -> list[Entry]:
    """At most MOST_POINTS entries, oldest first, with COLUMNS of what they have. place: tells the project's
    files from those of others."""
    parts = [_Part(files, place, path) for path in history.parts()]
    old = [entry for part in parts[:-RECENT_PARTS] for entry in _sample(part, PER_PART)]
    new = [entry for part in parts[-RECENT_PARTS:] for entry in _sample(part, MOST_POINTS // 4)]
    return [*_thinned(old, MOST_POINTS // 2), *new]


def recent(history: History, files: Files, place: str, most: int) -> list[Entry]:
    """The last entries, oldest first: at most RECENT."""
    parts = [_Part(files, place, path) for path in history.parts()[-RECENT_PARTS:]]
    return [entry for part in parts for entry in _tail(part)][-min(most, RECENT) :]


class _Part:
    """Equal where the file is the same: one that is never written twice."""

    def __init__(self, files: Files, place: str, path: str):
        self.files = files
        self.path = path
        self._key = (place, path)

    def lines(self) -> list[str]:
        try:
            return self.files.read_constant(self.path).decode("utf-8", "replace").splitlines()
        except OSError:
            return []

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Part) and self._key == other._key


@lru_cache(maxsize=KEPT_PARTS)
def _sample(part: _Part, most: int) -> tuple[Entry, ...]:
    """Of its lines so many are parsed, the first and the last among them."""
    return tuple(_short(entry) for line in _thinned(part.lines(), most) if (entry := _parsed(line)))


@lru_cache(maxsize=KEPT_TAILS)
def _tail(part: _Part) -> tuple[Entry, ...]:
    return tuple(entry for line in part.lines()[-RECENT:] if (entry := _parsed(line)))


def _parsed(line: str) -> Entry | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "version" in found else None


def _short(entry: Entry) -> Entry:
    return {name: entry[name] for name in COLUMNS if name in entry}


def _thinned(rows: list[Any], most: int) -> list[Any]:
    """Evenly, with the last."""
    if len(rows) <= most:
        return rows
    step = (len(rows) - 1) / (most - 1)
    return [rows[round(i * step)] for i in range(most)]
