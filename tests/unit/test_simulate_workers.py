import os
import signal
import time
from collections.abc import Callable

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
    steps: list[None] = []
    with Workers(2) as workers:
        jobs = ["raise", "one", "die", "two", "three"]
        results = dict(workers.run(work, jobs, lambda: steps.append(None)))
    assert results.pop("raise").reason.startswith("ValueError: raise (test_simulate_workers.py:")
    assert "exit code 3" in results.pop("die").reason
    assert results == {"one": "1,1,1", "two": "1,1,1", "three": "1,1,1"}
    assert len(steps) == 5


class Enough(Exception):
    pass


def test_leaving_kills_whatever_still_runs() -> None:
    def stop() -> None:
        raise Enough

    with pytest.raises(Enough), Workers(1) as workers:
        next(workers.run(work, ["sleep"], stop))
    processes = list(workers._processes.values())
    assert [process.exitcode for process in processes] == [-signal.SIGKILL]
