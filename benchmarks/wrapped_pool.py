"""Asking a wrapped backend that answers RATE tasks a second about TASKS tasks, by a clock that costs no time.

The work is the job's own: its batches, its store of predictions on a disk, its merges; Label Studio and the
backend are in memory. Each minute's work is a process of its own, as RQ has it, and now and then one is ended
by kill -9 in the midst of a batch. Prints how long it would take, what is asked twice, and how much memory
the last processes took, against the first ones.
Usage: python -m benchmarks.wrapped_pool [TASKS] [RATE]
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

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


class Simulated:
    """The time it would be, a backend that takes its time by it, and a Redis that knows nothing. What it is
    asked it writes down for whoever outlives it."""

    version, problems = "v1", None

    def __init__(self, rate: float, now: float, batches: int, told: int):
        self.rate, self.now, self.batches, self._told = rate, now, batches, told

    def predict(self, tasks: Sequence[Any], **_: Any) -> Answer:
        self.now += len(tasks) / self.rate
        self.batches += 1
        self.tell("asked", *(task["id"] for task in tasks))
        if self.batches % KILL_EVERY == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        box = {"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "rectanglelabels": ["car"]}
        region = {"from_name": "label", "to_name": "image", "type": "rectanglelabels", "value": box}
        result = tuple({**region, "id": str(i), "score": 0.5} for i in range(5))
        return Answer([WrappedPrediction(task["id"], "v1", result, 0.5, self.now) for task in tasks])

    def tell(self, *words: object) -> None:
        line = " ".join(map(str, (self.now, self.batches, *words)))
        os.write(self._told, line.encode() + b"\n")

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def note_silent(self, tasks: Any, seconds: int) -> None: ...

    def works(self) -> None: ...

    def answered(self, version: str, now: float) -> bool:
        return False


def main(tasks: int = 100_000, rate: float = 20) -> None:
    queue = list(range(1, tasks + 1))
    asked, now, batches, kills, head_after = np.zeros(tasks + 1, np.int8), 0.0, 0, 0, 0.0
    peaks, began = list[float](), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder))
        is_over = False
        while not is_over:
            kills += 1  # unless it says how it ended
            for line in _lines_of(files, rate, queue, now, batches):
                said_now, said_batches, what, *values = line.split()
                now, batches = float(said_now), int(said_batches)
                if what == "asked":
                    np.add.at(asked, np.array(values, int), 1)
                elif what == "head":
                    head_after = head_after or now
                else:
                    kills -= 1
                    peaks.append(float(values[0]))
                    is_over = values[1] == "0"
        parts = len(files.paths(FOLDER)) // 2
    few = max(1, len(peaks) // 20)
    first, last = (float(np.median(each)) for each in (peaks[:few], peaks[-few:]))
    print(f"{tasks} tasks at {rate} a second: the head is known after {head_after:.0f} s, all after")
    print(f"{now / 3600:.2f} h; {time.perf_counter() - began:.0f} s of work here, {parts} parts")
    print(f"{kills} processes ended by kill -9: {int((asked > 1).sum())} tasks were asked about twice")
    print(f"memory of a process: {first:.0f} MB at first, {last:.0f} at the end, {last / first:.3f} times")


def _lines_of(files: Files, rate: float, queue: list[int], now: float, batches: int) -> list[str]:
    """What a process said that worked for a minute, or until it was killed."""
    read, told = os.pipe()
    if (child := os.fork()) == 0:
        os.close(read)
        _work(files, Simulated(rate, now, batches, told), queue)
        os._exit(0)
    os.close(told)
    with open(read) as lines:
        found = list(lines)
    os.waitpid(child, 0)
    return found


def _work(files: Files, simulated: Simulated, queue: list[int]) -> None:
    kept = WrappedPredictions(files)
    work = _asking(simulated, kept)
    work.ask(kept.lacking(queue[:HEAD]))
    simulated.tell("head")
    work.ask(kept.lacking(queue[HEAD:]), rate=simulated.rate, until=simulated.now + SLICE)
    kept.merge()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    simulated.tell("ended", peak, len(kept.lacking(queue)))


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


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
