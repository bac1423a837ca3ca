import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import pytest

from backend.simulate.workers import THREAD_LIMITS, Workers

Step = Callable[[], None]


def work(job: str, step: Step) -> str:
    """Whatever the job says."""
    step()
    if job == "raise":
        raise ValueError(job)
    if job == "die":
        os._exit(3)
    if job == "sleep":
        time.sleep(600)
    return ",".join(os.environ[name] for name in THREAD_LIMITS)


def test_a_job_that_raises_or_dies_is_named_and_the_others_go_on() -> None:
    steps: list[str] = []
    with Workers(2) as workers:
        jobs = ["raise", "one", "die", "two", "three"]
        results = dict(workers.run(work, jobs, steps.append))
    assert results.pop("raise").reason.startswith("ValueError: raise (test_simulate_workers.py:")
    assert "exit code 3" in results.pop("die").reason
    assert results == {"one": "1,1,1", "two": "1,1,1", "three": "1,1,1"}
    assert sorted(steps) == sorted(jobs)


def kill_idle(workers: Workers) -> None:
    """As the kernel does for lack of memory."""
    for process in list(workers._processes.values()):
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()


def test_a_process_that_died_while_it_had_nothing_to_do_is_replaced() -> None:
    with Workers(1) as workers:
        assert dict(workers.run(work, ["one"], lambda job: None)) == {"one": "1,1,1"}
        kill_idle(workers)
        assert dict(workers.run(work, ["two"], lambda job: None)) == {"two": "1,1,1"}


class DiesAsTheJobComes(Workers):
    """Its process is killed between being found idle and being given its first job."""

    killed = False

    def _idle(self, busy: dict[Connection, Any]) -> Connection | None:
        found = super()._idle(busy)
        if not self.killed and found is not None:
            self.killed = True
            kill_idle(self)
        return found


@pytest.mark.parametrize("others", [{}, {"one": "1,1,1"}])
def test_a_process_that_dies_before_it_has_its_job_is_named_and_the_others_go_on(others) -> None:
    with DiesAsTheJobComes(1) as workers:
        results = dict(workers.run(work, ["lost", *others], lambda job: None))
    assert "exit code -9" in results.pop("lost").reason
    assert results == others


class Enough(Exception):
    pass


def test_leaving_kills_whatever_still_runs() -> None:
    def stop(job: str) -> None:
        raise Enough

    with pytest.raises(Enough), Workers(1) as workers:
        next(workers.run(work, ["sleep"], stop))
    processes = list(workers._processes.values())
    assert [process.exitcode for process in processes] == [-signal.SIGKILL]
