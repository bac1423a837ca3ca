"""Now: is it training, how far is it, what comes next, what went wrong and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rq import Worker
from rq.serializers import JSONSerializer

from backend.doctor.finding import State
from backend.doctor.for_pages import last_findings
from backend.jobs.clock import now_of
from backend.jobs.contact import Contact
from backend.jobs.encoding_progress import EncodingProgress
from backend.jobs.failed_jobs import FailedJobs
from backend.jobs.heartbeat import is_alive
from backend.jobs.job import AtlasJob
from backend.jobs.measures import Measures
from backend.pages.fault_words import FAILED, KINDS
from backend.pages.section import ProjectPage, Section

STALE = 600
"""Seconds after which the doctor looks again, if somebody looks at the page."""
SHOWN_FAILURES = 5


def context(page: ProjectPage) -> Mapping[str, Any]:
    numbers, state = Measures(page.redis).of(page.id), page.state
    found = last_findings(page.redis, page.id)
    if (found is None or time.time() - found[0] > STALE) and page.may_ask("examination"):
        page.dispatcher.request_examination(page.id)
    findings = [] if found is None else found[1]
    last = page.past.recent[-1:]
    return {
        "training_since": _running_since(page),
        "waits_to_train": page.dispatcher.is_retraining(page.id),
        "aside": state.aside,
        "disconnected": state.disconnected,
        "held": state.held_by_label_studio or page.versions.pinned(),
        "progress": EncodingProgress(page.redis, page.id).read(),
        "last": last[0] if last else page.newest,
        "last_ago": _ago((last[0] if last else page.newest).get("at") or page.newest.get("created")),
        "unseen": state.unseen,
        "next_in": max(page.settings.retrain_every - state.unseen, 0),
        "within": page.settings.retrain_within,
        "head": _head(numbers, state.changes),
        "workers": _workers(page),
        "contacts": [(kind, _seconds_since(Contact(page.redis, page.id).last(kind))) for kind in _ROADS],
        "wrong": [each for each in findings if each.state is State.WRONG],
        "notes": [each for each in findings if each.state is State.NOTE],
        "well": sum(each.state is State.OK for each in findings),
        "looked": None if found is None else time.time() - found[0],
        "failures": FailedJobs(page.redis, page.id).last(SHOWN_FAILURES),
        "strategy": page.newest.get("strategy"),
        "answered": _without_a_label(page.newest),
        "titles": {each.check: FAILED.get(each.check, each.check) for each in findings},
        "kinds": KINDS,
    }


_ROADS = ("setup", "webhook")


def _without_a_label(stats: Mapping[str, Any]) -> int:
    """Tasks that neither wait nor have a label to learn from: skipped, or their annotators disagree."""
    known = stats.get("trained_on", 0) + stats.get("waiting", 0)
    return max(stats.get("tasks", 0) - int(known), 0)


def look_again(page: ProjectPage, form: Mapping[str, str]) -> str:
    page.dispatcher.request_examination(page.id)
    return "The doctor looks again; its findings are here in a moment."


def train_now(page: ProjectPage, form: Mapping[str, str]) -> str:
    page.dispatcher.insist_on_retrain(page.id)
    return "A retrain was asked for."


def _running_since(page: ProjectPage) -> float | None:
    """Seconds since the retrain that runs began; None where none runs."""
    job = AtlasJob.read(f"retrain-{page.id}", page.redis)
    if job is None or not job.is_started or job.started_at is None:
        return None
    return max((now_of(page.redis) - job.started_at).total_seconds(), 0.0)


def _workers(page: ProjectPage) -> int:
    """That are alive, on all machines."""
    found = Worker.all(connection=page.redis, serializer=JSONSerializer)
    return sum(is_alive(each, now_of(page.redis)) for each in found)


def _head(numbers: Mapping[str, float], changes: int) -> int | None:
    if not {"head", "head_at"} <= numbers.keys():
        return None
    return max(0, int(numbers["head"] - (changes - numbers["head_at"])))


def _ago(stamp: object) -> float | None:
    try:
        return max(time.time() - datetime.fromisoformat(str(stamp)).timestamp(), 0.0)
    except ValueError:
        return None


def _seconds_since(moment: float) -> float | None:
    return max(time.time() - moment, 0.0) if moment else None


NOW = Section("now", "Now", context, {"look-again": look_again, "train": train_now})
