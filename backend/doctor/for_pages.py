"""The doctor's findings on one project, for its page: made by a worker, kept in Redis."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

from redis import Redis

from backend.doctor.bench import Bench
from backend.doctor.examine import examine
from backend.doctor.finding import Finding, State
from backend.settings import Settings
from backend.store.kept_json import UNREADABLE, finite

SECONDS = 24 * 3600


def examine_for_page(project_id: int) -> dict[str, Any]:
    """The RQ job. Returns how many findings of each state there are."""
    with Bench(Settings().backend_url) as bench:
        findings = examine(bench, project_id)
    told = {"at": time.time(), "findings": [{**asdict(each), "state": each.state.value} for each in findings]}
    with Redis.from_url(Settings().redis_url) as redis:
        redis.set(_key(project_id), json.dumps(told), ex=SECONDS)
    return {state.value: sum(each.state is state for each in findings) for state in State}


def last_findings(redis: Redis, project_id: int) -> tuple[float, list[Finding]] | None:
    """When they were made, in seconds since 1970, and what was found; None where nobody has looked lately."""
    held: Any = redis.get(_key(project_id))
    try:
        told = json.loads(held)
        found = [Finding(**{**each, "state": State(each["state"])}) for each in told["findings"]]
        return finite(told["at"]), found
    except UNREADABLE:
        return None


def _key(project_id: int) -> str:
    return f"atlas:project:{project_id}:findings"
