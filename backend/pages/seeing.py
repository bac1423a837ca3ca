"""What a page sees of a project's loop: what it does, and what is wrong, out of Redis and what is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rq.job import Job
from rq.registry import ScheduledJobRegistry

from backend.doctor.finding import State
from backend.doctor.for_pages import Looked
from backend.jobs.clock import now_of
from backend.jobs.encoding_progress import EncodingProgress
from backend.jobs.failed_jobs import FailedJobs
from backend.jobs.failing import REASON
from backend.jobs.heartbeat import last_beat
from backend.jobs.job import AtlasJob
from backend.jobs.keys import aside_key
from backend.jobs.values import mended
from backend.pages.fault_words import FAILED
from backend.pages.section import ProjectPage
from backend.pages.standing import Due, Problem, Seen

OF_WORKERS = {"worker", "upkeep"}
"""The doctor's checks that tell what is seen without it."""


def seen_of(page: ProjectPage, workers: int) -> Seen:
    """workers: that are alive."""
    state, newest, unseen = page.state, page.newest, page.state.unseen
    is_kept = state.held_by_label_studio or page.versions.pinned()
    last = page.past.recent[-1:]
    job = AtlasJob.read(f"retrain-{page.id}", page.redis)
    return Seen(
        connected=not state.disconnected,
        labels=int(newest.get("trained_on", 0)) if newest else None,
        version=page.newest_name or "",
        answered=answered_without(newest),
        serves=page.published if is_kept and page.published != page.newest_name else None,
        unseen=unseen,
        next_in=max(page.settings.retrain_every - unseen, 0),
        within=page.settings.retrain_within,
        workers=workers,
        training=_training(page, job),
        usually=last[0].get("seconds") if last else None,
        due=_due(page, job),
        aside=None if state.aside is None else max(float(page.redis.ttl(aside_key(page.id))), 0.0),
        encoding=EncodingProgress(page.redis, page.id).read(),
    )


def answered_without(stats: Mapping[str, Any]) -> int:
    """Tasks that neither wait nor have a label to learn from: skipped, or their annotators disagree."""
    known = stats.get("trained_on", 0) + stats.get("waiting", 0)
    return max(stats.get("tasks", 0) - int(known), 0)


def problems_of(page: ProjectPage, workers: int, looked: Looked | None) -> list[Problem]:
    """What is seen here and now, then what the doctor found; each is told once."""
    failed, found, told = FailedJobs(page.redis, page.id), [], set[str]()
    if not workers:
        found.append(Problem("No worker runs: `label-studio-atlas up` starts them", last_beat(page.redis)))
        told |= OF_WORKERS
    if (since := failed.failing_since("retrain")) is not None:
        found.append(Problem("Retrains fail", since))
        told.add("retrain")
    if (since := failed.failing_since("refill")) is not None:
        found.append(Problem("The queue cannot be filled", since))
    return [*found, *_examined(looked, told)]


def _examined(looked: Looked | None, told: Iterable[str]) -> list[Problem]:
    wrong = [] if looked is None else [each.check for each in looked.findings if each.state is State.WRONG]
    since = {} if looked is None else looked.since
    return [Problem(FAILED.get(each, each), since.get(each)) for each in wrong if each not in told]


def _training(page: ProjectPage, job: Job | None) -> float | None:
    """For how many seconds the retrain that runs does; None where none runs."""
    if job is None or not job.is_started or job.started_at is None:
        return None
    return max((now_of(page.redis) - job.started_at).total_seconds(), 0.0)


def _due(page: ProjectPage, job: Job | None) -> Due | None:
    if job is None or not page.dispatcher.is_retraining(page.id):
        return None
    waiting = ScheduledJobRegistry(queue=page.dispatcher.queue).key
    at = mended(page.redis, waiting, lambda: page.redis.zscore(waiting, job.id))
    left = 0.0 if at is None else max(at - now_of(page.redis).timestamp(), 0.0)
    return Due(left, again=bool(job.meta.get(REASON)))
