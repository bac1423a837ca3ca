"""Asking a wrapped backend that answers RATE tasks a second about TASKS tasks, by a clock that costs no time.

The work is the job's own: its batches, its store of predictions on a disk, its merges; Label Studio and the
backend are in memory. Now and then the work is thrown away in the midst of a batch and begun anew, as after a
kill -9. Prints how long it would take, what is asked twice, and how much memory this process grows by.
Usage: python benchmarks/wrapped_pool.py [TASKS] [RATE]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from backend.jobs.wrapped_asking import Asking, Clock
from backend.jobs.wrapped_state import WrappedState
from backend.store.files import Files
from backend.store.wrapped_predictions import FOLDER, WrappedPredictions
from backend.wrapped.answers import Answer
from backend.wrapped.client import WrappedBackend
from backend.wrapped.prediction import WrappedPrediction

HEAD, SLICE = 200, 60.0
KILL_EVERY = 997
"""Batches."""


class Killed(Exception):
    pass


class Simulated:
    """The time it would be, a backend that takes its time by it, and a Redis that knows nothing."""

    version, problems = "v1", None

    def __init__(self, rate: float):
        self.now = 0.0
        self.rate = rate
        self.asked: Counter[int] = Counter()
        self.batches = 0

    def predict(self, tasks: Sequence[Any], **_: Any) -> Answer:
        self.now += len(tasks) / self.rate
        self.batches += 1
        self.asked.update(task["id"] for task in tasks)
        if self.batches % KILL_EVERY == 0:
            raise Killed
        box = {"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "rectanglelabels": ["car"]}
        region = {"from_name": "label", "to_name": "image", "type": "rectanglelabels", "value": box}
        result = tuple({**region, "id": str(i), "score": 0.5} for i in range(5))
        return Answer([WrappedPrediction(task["id"], "v1", result, 0.5, self.now) for task in tasks])

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def note_silent(self, tasks: Any) -> None: ...

    def works(self) -> None: ...

    def answered(self, version: str, now: float) -> bool:
        return False


def main(tasks: int = 100_000, rate: float = 20) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files, simulated, queue = Files(Path(folder)), Simulated(rate), list(range(1, tasks + 1))
        before, began, kills, head_after = _memory(), time.perf_counter(), 0, 0.0
        early = 0.0
        while left := WrappedPredictions(files).lacking(queue):
            kept = WrappedPredictions(files)
            work = _asking(simulated, kept)
            try:
                work.ask(kept.lacking(queue[:HEAD]))
                head_after = head_after or simulated.now
                work.ask(kept.lacking(queue[HEAD:]), rate=rate, until=simulated.now + SLICE)
            except Killed:
                kills += 1
            kept.merge()
            if not early and len(left) < 0.9 * tasks:
                early = _memory() - before
        again = sum(times - 1 for times in simulated.asked.values())
        parts = len(files.paths(FOLDER)) // 2
        print(f"{tasks} tasks at {rate} a second: the head is known after {head_after:.0f} s, all after")
        print(
            f"{simulated.now / 3600:.2f} h; {time.perf_counter() - began:.0f} s of work here, {parts} parts"
        )
        print(f"{kills} kills in the midst of a batch: {again} tasks were asked about twice")
        print(f"memory grew by {early:.0f} MB for the first tenth, by {_memory() - before:.0f} MB in all")


def _asking(simulated: Simulated, kept: WrappedPredictions) -> Asking:
    return Asking(
        cast(WrappedBackend, simulated),
        kept,
        cast(WrappedState, simulated),
        lambda ids: [{"id": task, "data": {"image": "x"}} for task in ids],
        most=32,
        seconds=60,
        clock=Clock(lambda: simulated.now, simulated.wait),
    )


def _memory() -> float:
    """MB that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
