"""A project's history at a glance: one file of bounded size, written with each retrain, so that a page reads
as much of 20,000 retrains as of 20."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from backend.store.kept_json import UNREADABLE

MOST_POINTS = 32
"""Of the curve, its end apart."""
RECENT = 20
"""Last retrains that are told of."""
COLUMNS = (
    *("version", "at", "trained_on", "accuracy", "macro_f1", "measured", "strategy", "seconds"),
    *("tasks", "fingerprint", "settings", "encoder"),
)
ESTIMATED = ("accuracy", "agreement")
"""What is kept of an estimate: not each class's."""
Shown = dict[str, Any]
"""Of one retrain, what COLUMNS and ESTIMATED name."""


@dataclass(frozen=True)
class Glance:
    """count: of all retrains; step: every so many-th, from the first on, is in `points`; recent: the last
    ones, oldest first."""

    count: int = 0
    step: int = 1
    points: tuple[Shown, ...] = ()
    recent: tuple[Shown, ...] = ()

    @property
    def curve(self) -> list[Shown]:
        """From the first to the last, oldest first."""
        has_end = not self.recent or (self.count - 1) % self.step == 0
        return [*self.points, *(() if has_end else self.recent[-1:])]

    def with_new(self, new: Iterable[Mapping[str, Any]]) -> Glance:
        count, step, points, recent = self.count, self.step, list(self.points), list(self.recent)
        for entry in map(_short, new):
            if count % step == 0:
                points.append(entry)
            if len(points) > MOST_POINTS:
                points, step = points[::2], 2 * step
            recent = [*recent, entry][-RECENT:]
            count += 1
        return Glance(count, step, tuple(points), tuple(recent))

    def as_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def from_json(content: bytes) -> Glance | None:
    """None where `as_json` did not write it."""
    try:
        found = json.loads(content)
        points, recent = (tuple(map(dict, found[name])) for name in ("points", "recent"))
        made = Glance(int(found["count"]), int(found["step"]), points, recent)
    except UNREADABLE:
        return None
    return made if made.step > 0 and all("version" in each for each in (*points, *recent)) else None


def glance_of(parts: Sequence[tuple[int, Callable[[], list[str]]]], read: Callable[[str], Any]) -> Glance:
    """Of a history without one. parts: how many rows each has by its name, and what gives its lines; read:
    gives a line's entry, None of one that cannot be read. Few lines are read as JSON."""
    count = sum(rows for rows, _ in parts)
    step = 1
    while -(-count // step) > MOST_POINTS:
        step *= 2
    points: list[Shown] = []
    recent: list[Shown] = []
    before = 0
    for rows, lines in parts:
        found = lines()
        points += _read(found[-before % step :: step], read)
        if count - before - rows < RECENT:
            recent += _read(found[-RECENT:], read)
        before += rows
    return Glance(count, step, tuple(points), tuple(recent[-RECENT:]))


def _read(lines: Sequence[str], read: Callable[[str], Any]) -> list[Shown]:
    return [_short(entry) for line in lines if (entry := read(line)) is not None]


def _short(entry: Mapping[str, Any]) -> Shown:
    found = {name: entry[name] for name in COLUMNS if name in entry}
    estimate = entry.get("estimate")
    if isinstance(estimate, dict):
        found["estimate"] = {name: estimate[name] for name in ESTIMATED if name in estimate}
    return found
