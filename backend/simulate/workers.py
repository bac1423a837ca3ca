"""Processes that work jobs off side by side, each with one thread, so that results do not depend on them.

Imports nothing heavy: the thread limits must stand before numpy and torch are loaded.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Failure:
    """Why a job has no result."""

    reason: str


class Workers:
    """Use as a context manager: on the way out every process is killed, whatever it is doing."""

    def __init__(self, processes: int):
        self._limit = processes
        self._processes: dict[Connection, SpawnProcess] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.join()

    def run(
        self,
        function: Callable[[Job, Callable[[], None]], Result],
        jobs: Sequence[Job],
        step: Callable[[Job], None],
    ) -> Iterator[tuple[Job, Result | Failure]]:
        """Each job with its result as it comes in, in no order.

        function: importable, called as function(job, step) in a process; jobs and results must pickle.
        step: called here with the job, each time that the function calls its own.
        """
        waiting = deque(jobs)
        busy: dict[Connection, Job] = {}
        while waiting or busy:
            while waiting and (connection := self._idle(busy)) is not None:
                job = waiting.popleft()
                try:
                    connection.send((function, job))
                except OSError:  # it ended before it had the whole job
                    yield job, self._ended(connection)
                else:
                    busy[connection] = job
            heard = wait(list(busy)) if busy else []  # of nothing it would wait for ever
            for ready in [connection for connection in busy if connection in heard]:
                answer = self._receive(ready)
                if answer is None:
                    step(busy[ready])
                else:
                    yield busy.pop(ready), answer[0]

    def _idle(self, busy: dict[Connection, Any]) -> Connection | None:
        """A process that waits for a job, a new one if need be; None when all there may be are busy."""
        for connection in [connection for connection in self._processes if connection not in busy]:
            if self._processes[connection].is_alive():
                return connection
            self._ended(connection)  # while it had nothing to do: no job is lost
        return self._start() if len(self._processes) < self._limit else None

    def _start(self) -> Connection:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), daemon=True)
        # Ctrl-C is the parent's to handle: a process started while it is blocked never sees it, and one
        # that comes meanwhile reaches the parent afterwards.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        process.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        theirs.close()  # so that its end is the end of the pipe
        self._processes[ours] = process
        return ours

    def _receive(self, connection: Connection) -> tuple[Any] | None:
        """None for a step, a result in a tuple of its own otherwise."""
        try:
            answer: tuple[Any] | None = connection.recv()
            return answer
        except (EOFError, OSError):  # OSError: it ended in the middle of its answer
            return (self._ended(connection),)

    def _ended(self, connection: Connection) -> Failure:
        process = self._processes.pop(connection)
        process.join()
        connection.close()
        return Failure(f"its process ended (exit code {process.exitcode}), perhaps for lack of memory")


def _work(connection: Connection) -> None:
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    try:
        while True:
            function, job = connection.recv()
            try:
                result = function(job, lambda: connection.send(None))
            except (EOFError, BrokenPipeError):
                return
            except Exception as error:
                where = traceback.extract_tb(error.__traceback__)[-1]
                place = f"{os.path.basename(where.filename)}:{where.lineno}"
                result = Failure(f"{type(error).__name__}: {error} ({place})")
            connection.send((result,))
    except (EOFError, BrokenPipeError):
        return  # the parent is gone
