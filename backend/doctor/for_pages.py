"""The doctor's findings on one project, for its page: made by a worker, kept in Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from redis import Redis

from backend.doctor.bench import Bench
from backend.doctor.examine import examine
from backend.doctor.finding import Finding, State
from backend.settings import Settings
from backend.store.kept_json import MALFORMED, finite

SECONDS = 7 * 24 * 3600


class Looked(NamedTuple):
    """at: when, in seconds since 1970; since: by the check of what is wrong, when a look first found it so
    after which none found it well."""

    at: float
    findings: list[Finding]
    since: Mapping[str, float]


def examine_for_page(project_id: int) -> dict[str, Any]:
    """The RQ job. Returns how many findings of each state there are."""
    with Bench(Settings().backend_url) as bench:
        findings = examine(bench, project_id)
    with Redis.from_url(Settings().redis_url) as redis:
        found = _looked(time.time(), findings, last_findings(redis, project_id))
        rows = [{**asdict(each), "state": each.state.value} for each in found.findings]
        redis.set(_key(project_id), json.dumps({**found._asdict(), "findings": rows}), ex=SECONDS)
    return {state.value: sum(each.state is state for each in findings) for state in State}


def last_findings(redis: Redis, project_id: int) -> Looked | None:
    """None where nobody has looked lately."""
    held: Any = redis.get(_key(project_id))
    try:
        told = json.loads(held)
        found = [Finding(**{**each, "state": State(each["state"])}) for each in told["findings"]]
        since = {str(check): finite(at) for check, at in told.get("since", {}).items()}
        return Looked(finite(told["at"]), found, since)
    except MALFORMED:
        return None


def _looked(now: float, findings: list[Finding], before: Looked | None) -> Looked:
    wrong = {each.check for each in findings if each.state is State.WRONG}
    untold = {each.check for each in findings if each.state is State.NOT_CHECKED}
    known = {} if before is None else before.since
    kept = {check: at for check, at in known.items() if check in untold}
    return Looked(now, findings, {**kept, **{check: known.get(check, now) for check in wrong}})


def _key(project_id: int) -> str:
    return f"atlas:project:{project_id}:findings"
