"""What of RQ's is overridden or used that RQ does not promise to keep: its release is bounded for that.

Where a new release fails here: see what became of the member, mend what builds on it, raise the bound.
"""

from __future__ import annotations

import inspect
import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from rq.cron import CronJob, CronScheduler
from rq.job import Job
from rq.queue import Queue
from rq.registry import ScheduledJobRegistry
from rq.scheduler import RQScheduler
from rq.timeouts import UnixSignalDeathPenalty
from rq.worker import Worker

from backend.jobs.cron import PatientCron, UniqueCronJob
from backend.jobs.job import AtlasJob
from backend.jobs.schedule import RedisClockRegistry, RedisClockScheduler
from backend.jobs.time_limit import TimeLimit
from backend.jobs.worker import AtlasQueue, AtlasWorker

OVERRIDDEN: dict[type, tuple[type, set[str]]] = {
    AtlasWorker: (
        Worker,
        {
            *(
                "_start_scheduler",
                "execute_job",
                "get_heartbeat_ttl",
                "handle_exception",
                "handle_job_failure",
                "heartbeat",
                "main_work_horse",
            ),
            *("maintain_heartbeats", "max_connection_wait_time", "perform_job", "queue_class"),
            "death_penalty_class",
            "run_maintenance_tasks",
        },
    ),
    AtlasQueue: (Queue, {"acquire_maintenance_lock"}),
    PatientCron: (CronScheduler, {"calculate_sleep_interval", "register_death"}),
    UniqueCronJob: (CronJob, {"enqueue"}),
    TimeLimit: (UnixSignalDeathPenalty, {"cancel_death_penalty"}),
    RedisClockRegistry: (ScheduledJobRegistry, {"get_jobs_to_schedule"}),
    RedisClockScheduler: (RQScheduler, {"enqueue_scheduled_jobs", "prepare_registries"}),
    AtlasJob: (Job, {"_deserialize_data", "_fetch_status", "perform", "refresh", "restore", "retry"}),
}
USED: dict[type, set[str]] = {
    Worker: {"dequeue_timeout", "cleanup_execution", "executions", "prepare_execution", "serialize"},
    Queue: {"registry_cleaning_key"},
    CronScheduler: {"get_jobs", "heartbeat"},
    RQScheduler: {"_scheduled_job_registries", "acquire_locks", "acquired_locks", "release_locks"},
}


@pytest.mark.parametrize("ours", OVERRIDDEN)
def test_what_is_overridden_is_known_and_still_there(ours: type) -> None:
    """A member that RQ has renamed would be overridden no more, and nobody would notice."""
    base, known = OVERRIDDEN[ours]
    assert {name for name in vars(ours) if hasattr(base, name) and not name.startswith("__")} == known


@pytest.mark.parametrize(
    ("ours", "name"), [(ours, name) for ours, (_, names) in OVERRIDDEN.items() for name in sorted(names)]
)
def test_what_is_overridden_takes_what_rq_gives(ours: type, name: str) -> None:
    given = getattr(OVERRIDDEN[ours][0], name)
    if callable(given) and not inspect.isclass(given):
        theirs, mine = inspect.signature(given).parameters, inspect.signature(getattr(ours, name)).parameters
        kinds = {parameter.kind for parameter in mine.values()}
        takes_rest = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} & kinds
        assert takes_rest or len(mine) >= len(theirs), (list(theirs), list(mine))


@pytest.mark.parametrize("of", USED)
def test_what_is_used_is_still_there(of: type) -> None:
    source = inspect.getsource(of) + "".join(inspect.getsource(base) for base in of.__mro__[1:-1])
    assert {name for name in USED[of] if name not in source} == set()


def test_rqs_release_is_bounded_to_that_which_was_looked_at() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    demand = Requirement(re.findall(r'"(rq[^"]*)"', project)[0])
    major, minor, *_ = map(int, metadata.version("rq").split("."))
    assert demand.specifier.contains(f"{major}.{minor}.9")
    assert not demand.specifier.contains(f"{major}.{minor + 1}.0")
