"""The check of whether a new kind of data has come in."""

from __future__ import annotations

from backend.doctor.bench import ProjectBench
from backend.doctor.checks import project_check
from backend.doctor.finding import Finding, note, ok
from backend.jobs.shifting import in_words
from backend.store.locations import version_store

LABEL_IT = (
    "The model has seen little of it: label some soon, and look whether your choices still fit. "
    'STRATEGY="auto within 50% by transfer_representative" brings it first.'
)


@project_check("data", "project", "settings", "model store")
def data(bench: ProjectBench) -> Finding:
    """By the record of the newest version, which may not be the published one."""
    versions = version_store(bench.bench.settings, bench.id)
    names = versions.names()
    stats = versions.stats(names[-1]) if names else {}
    kind = stats.get("new_kind")
    if kind is not None:
        return note(in_words(kind), LABEL_IT)
    if stats.get("domain_unlike") is None:
        return ok("whether what waits is like what is labelled is told from 20 labels on")
    return ok(
        f"no new kind; {stats['domain_unlike']:.0%} of the tasks that wait are unlike anything labelled "
        f"(area under the ROC curve {stats['domain_auc']:.2f})"
    )
