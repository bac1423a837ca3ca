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
from backend.jobs.failed_jobs import FailedJobs
from backend.jobs.heartbeat import is_alive
from backend.jobs.measures import Measures
from backend.pages.fault_words import FAILED, KINDS
from backend.pages.section import ProjectPage, Section
from backend.pages.seeing import problems_of, seen_of
from backend.pages.standing import headline

STALE = 600
"""Seconds after which the doctor looks again, if somebody looks at the page."""
SHOWN_FAILURES = 5


def context(page: ProjectPage) -> Mapping[str, Any]:
    numbers, state = Measures(page.redis).of(page.id), page.state
    looked = last_findings(page.redis, page.id)
    if (looked is None or time.time() - looked.at > STALE) and page.may_ask("examination"):
        page.dispatcher.request_examination(page.id)
    findings = [] if looked is None else looked.findings
    last, workers = page.past.recent[-1:], _workers(page)
    seen, problems = seen_of(page, workers), problems_of(page, workers, looked)
    return {
        "seen": seen,
        "headline": headline(seen, problems),
        "problems": problems,
        "held": state.held_by_label_studio or page.versions.pinned(),
        "last": last[0] if last else page.newest,
        "last_ago": _ago((last[0] if last else page.newest).get("at") or page.newest.get("created")),
        "head": _head(numbers, state.changes),
        "workers": workers,
        "contacts": [(kind, _seconds_since(Contact(page.redis, page.id).last(kind))) for kind in _ROADS],
        "wrong": [each for each in findings if each.state is State.WRONG],
        "notes": [each for each in findings if each.state is State.NOTE],
        "well": sum(each.state is State.OK for each in findings),
        "looked": looked,
        "failures": FailedJobs(page.redis, page.id).last(SHOWN_FAILURES),
        "strategy": (page.versions.stats(page.published) if page.published else page.newest).get("strategy"),
        "titles": {each.check: FAILED.get(each.check, each.check) for each in findings},
        "kinds": KINDS,
    }


_ROADS = ("setup", "webhook")


def look_again(page: ProjectPage, form: Mapping[str, str]) -> str:
    page.dispatcher.request_examination(page.id)
    return "The doctor looks again; its findings are here in a moment."


def train_now(page: ProjectPage, form: Mapping[str, str]) -> str:
    page.dispatcher.insist_on_retrain(page.id)
    return "A retrain was asked for."


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
