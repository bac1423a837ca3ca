"""The kinds of jobs: the queues they wait in, and the functions they run, by the names that lie in Redis."""

from __future__ import annotations

import re
from typing import Any

QUEUE_NAME = "atlas"
"""Retrains, which may be slow."""
UPKEEP_QUEUE = "atlas-upkeep"
"""Everything short: a worker of its own keeps the queue's head full while a retrain takes its time."""
ENCODING_QUEUE = "atlas-encoding"
"""Shards of texts to encode, and asking wrapped backends: what each worker does when it has nothing else."""
TUNING_QUEUE = "atlas-tuning"
"""Fine-tuning, which takes minutes: behind everything else, and it ends where something else waits."""
RETRAIN = "backend.jobs.retrain.retrain"
FLUSH = "backend.jobs.housekeeping.flush"
CLEAR = "backend.jobs.housekeeping.clear_old_versions"
REFILL = "backend.jobs.refill.refill"
RECONCILE = "backend.jobs.reconcile.reconcile"
LOOK = "backend.jobs.look.look"
ADMIT = "backend.jobs.admitting.admit"
ENCODE = "backend.jobs.encoding.encode_shard"
FINE_TUNE = "backend.jobs.fine_tuning.fine_tune"
CHOOSE = "backend.jobs.choosing.choose_encoder"
PROJECT = "backend.jobs.projecting.project_items"
HEED = "backend.jobs.heeding.heed_selection"
WRAPPED_PULL = "backend.jobs.wrapped_pull.pull_wrapped"
STUDY = "backend.jobs.studying.study"
EXAMINE = "backend.doctor.for_pages.examine_for_page"
SERVE = "backend.jobs.serving.serve_as_wished"
FORWARD = "backend.jobs.forwarding.forward"
OF_A_PROJECT = {
    "retrain": RETRAIN,
    "refill": REFILL,
    "flush": FLUSH,
    "clear": CLEAR,
    "look": LOOK,
    "finetune": FINE_TUNE,
    "choose": CHOOSE,
    "wrapped": WRAPPED_PULL,
    "map": PROJECT,
    "study": STUDY,
    "serve": SERVE,
    "examine": EXAMINE,
    "forward": FORWARD,
}
"""By the word that a job's id begins with: `retrain-7` is project 7's."""
WITH_A_KEY = {"encode": ENCODE, "heed": HEED}
"""Of a project, and of what has this key: a shard of texts, a selection on the map."""
OF_ALL_PROJECTS = {"reconcile": RECONCILE, "admit": ADMIT}
_ID = re.compile(
    rf"({'|'.join(OF_A_PROJECT)})-[1-9][0-9]{{0,17}}|{'|'.join(OF_ALL_PROJECTS)}"
    rf"|({'|'.join(WITH_A_KEY)})-[1-9][0-9]{{0,17}}-[0-9a-f]{{16}}"
)
_KEY = re.compile(r"[0-9a-f]{16}")


def is_our_id(job_id: str) -> bool:
    """Whether a job of this id would be one of this backend's."""
    return _ID.fullmatch(job_id) is not None


def is_our_call(function: str | None, arguments: list[Any]) -> bool:
    """Whether a job calls one of this backend's functions as the dispatcher makes it call."""
    if function in OF_ALL_PROJECTS.values():
        return not arguments
    of_a_project = bool(arguments) and type(arguments[0]) is int and arguments[0] > 0
    if function in WITH_A_KEY.values():
        keys = arguments[1:]
        return of_a_project and len(keys) == 1 and type(keys[0]) is str and bool(_KEY.fullmatch(keys[0]))
    return of_a_project and len(arguments) == 1 and function in OF_A_PROJECT.values()
