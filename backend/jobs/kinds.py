"""The kinds of jobs: the queues they wait in, and the functions they run, by the names that lie in Redis."""

from __future__ import annotations

import re

QUEUE_NAME = "atlas"
"""Retrains, which may be slow."""
UPKEEP_QUEUE = "atlas-upkeep"
"""Everything short: a worker of its own keeps the queue's head full while a retrain takes its time."""
RETRAIN = "backend.jobs.retrain.retrain"
FLUSH = "backend.jobs.housekeeping.flush"
CLEAR = "backend.jobs.housekeeping.clear_old_versions"
REFILL = "backend.jobs.refill.refill"
RECONCILE = "backend.jobs.reconcile.reconcile"
LOOK = "backend.jobs.look.look"
ADMIT = "backend.jobs.admitting.admit"
OF_A_PROJECT = {"retrain": RETRAIN, "refill": REFILL, "flush": FLUSH, "clear": CLEAR, "look": LOOK}
"""By the word that a job's id begins with: `retrain-7` is project 7's."""
OF_ALL_PROJECTS = {"reconcile": RECONCILE, "admit": ADMIT}
_ID = re.compile(rf"({'|'.join(OF_A_PROJECT)})-[1-9][0-9]{{0,17}}|{'|'.join(OF_ALL_PROJECTS)}")


def is_our_id(job_id: str) -> bool:
    """Whether a job of this id would be one of this backend's."""
    return _ID.fullmatch(job_id) is not None
