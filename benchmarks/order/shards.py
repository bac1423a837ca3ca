"""Curves that were replayed already, a file each, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.order.data import Data

Protocol = Callable[[Data, str, int, Sequence[int]], list[float]]
"""(set, contender, seed, budgets) -> macro-F1 at each of the budgets."""


class Shard(NamedTuple):
    """One curve's place. features: "plain" or "pretrained"."""

    features: str
    data: str
    contender: str
    seed: int

    def file(self, folder: Path) -> Path:
        name = "".join(each if each.isalnum() else "-" for each in self.contender)
        return folder / self.features / self.data / name / f"{self.seed}.json"


class Replayed(NamedTuple):
    """f1: macro-F1 at each of `labels`; cpu: seconds it took."""

    labels: list[int]
    f1: list[float]
    cpu: float


def replay(shard: Shard, data: Data, budgets: Sequence[int], folder: Path, curve: Protocol) -> Replayed:
    """From its file, or made now by this protocol and kept."""
    found = kept(shard, folder)
    if found is None:
        before = time.process_time()
        points = curve(data, shard.contender, shard.seed, budgets)
        found = Replayed(list(budgets), points, time.process_time() - before)
        keep(found, shard, folder)
    return found


def keep(found: Replayed, shard: Shard, folder: Path) -> None:
    file = shard.file(folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(found._asdict()))
    part.replace(file)


def kept(shard: Shard, folder: Path) -> Replayed | None:
    file = shard.file(folder)
    return Replayed(**json.loads(file.read_text())) if file.exists() else None
