"""Checks of what works in the background: a worker for each kind of job, and RQ's cron."""

from __future__ import annotations

from typing import Any

from rq import Queue, Worker
from rq.cron import CronScheduler
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from backend.doctor.bench import Bench
from backend.doctor.checks import check
from backend.doctor.finding import Finding, ok, wrong
from backend.jobs.clock import now_of
from backend.jobs.heartbeat import age, is_alive
from backend.jobs.schedule import RedisClockRegistry

WAITING = 20
"""Seconds that a job may wait while a worker is free, or may be overdue."""


@check("worker", "Redis")
def retrain_worker(bench: Bench) -> Finding:
    return _worker_of(bench.dispatcher.queue, "retrains")


@check("upkeep", "Redis")
def upkeep_worker(bench: Bench) -> Finding:
    return _worker_of(bench.dispatcher.upkeep, "upkeep")


@check("cron", "Redis")
def cron(bench: Bench) -> Finding:
    alive = [
        each for each in CronScheduler.all(bench.redis, cleanup=False) if is_alive(each, now_of(bench.redis))
    ]
    if not alive:
        return wrong(
            "nothing looks for changes that no webhook tells of",
            "Start `label-studio-atlas up` (or `label-studio-atlas cron`, where the parts run apart).",
        )
    return ok(f"looks every {bench.settings.reconcile_every:.0f} s for what no webhook told of")


def _worker_of(queue: Queue, kind: str) -> Finding:
    """One that is alive, and takes and ends the jobs of a queue."""
    now = now_of(queue.connection)
    alive = [each for each in Worker.all(queue=queue, serializer=JSONSerializer) if is_alive(each, now)]
    if not alive:
        return wrong(
            f"none for {kind} is running, {_jobs(len(queue))} waiting",
            "Start `label-studio-atlas up` (or `label-studio-atlas worker`, where the parts run apart).",
        )
    running = {each.name: job for each in alive if (job := _job_of(each)) is not None}
    for each in alive:
        job = running.get(each.name)
        if job and job.started_at and age(job.started_at, now) > (job.timeout or 0) + WAITING:
            return wrong(f"{job.id} has been running for {age(job.started_at, now):.0f} s", _restart(each))
    waiting = _longest_wait(queue)
    if waiting > WAITING and len(running) < len(alive):
        return wrong(f"it takes no job: one has been waiting for {waiting:.0f} s", _restart(alive[0]))
    doing = ", ".join(job.id for job in running.values()) or "idle"
    return ok(f"{len(alive)} for {kind}, {doing}; {_jobs(len(queue))} waiting")


def _job_of(worker: Any) -> Job | None:
    try:
        job: Job | None = worker.get_current_job()
        return job
    except NoSuchJobError:  # it has just ended
        return None


def _longest_wait(queue: Queue) -> float:
    """Seconds that the oldest job has been in the queue, or overdue outside of it."""
    now = now_of(queue.connection)
    job = next(iter(queue.get_jobs(0, 1)), None)
    waits = [age(job.enqueued_at, now)] if job and job.enqueued_at else []
    scheduled = RedisClockRegistry(queue=queue)
    waits += [
        age(scheduled.get_scheduled_time(due), now) for due in scheduled.get_jobs_to_schedule(chunk_size=1)
    ]
    return max(waits, default=0)


def _restart(worker: Any) -> str:
    return f"Restart the worker (process {worker.pid} on {worker.hostname}), or `label-studio-atlas up`."


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"
