"""Which tasks were opened for one annotator more, and how Label Studio had them before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from backend.store.files import Files
from backend.store.kept_json import read_kept

PATH = "opened-again.json"


class Overlap(NamedTuple):
    """Of one task: what it was at first, and what it was set to last."""

    before: int
    now: int


@dataclass(frozen=True)
class OpenedAgain:
    """overlap: by task; served_first: whether the project served tasks of several annotators first before any
    was opened."""

    served_first: bool
    overlap: Mapping[int, Overlap] = field(default_factory=dict)

    def with_opened(self, opened: Mapping[int, Overlap]) -> OpenedAgain:
        """What a task was at first stays."""
        added = {
            task: Overlap(self.overlap[task].before if task in self.overlap else each.before, each.now)
            for task, each in opened.items()
        }
        return OpenedAgain(self.served_first, {**self.overlap, **added})


def keep_opened(files: Files, opened: OpenedAgain) -> None:
    """Raises ModelStoreError where it cannot be kept."""
    kept = {"served_first": opened.served_first, "overlap": list(opened.overlap.items())}
    files.write(PATH, json.dumps(kept).encode())


def read_opened(files: Files) -> OpenedAgain | None:
    """None where none was opened. Raises DamagedFile for what cannot be read, ModelStoreError."""
    return read_kept(
        files,
        PATH,
        lambda kept: OpenedAgain(
            bool(kept["served_first"]),
            {int(task): Overlap(int(before), int(now)) for task, (before, now) in kept["overlap"]},
        ),
        holds="what tasks were opened again",
        remedy="delete it, and their overlap stays as it is",
    )


def forget_opened(files: Files) -> None:
    files.delete(PATH)
