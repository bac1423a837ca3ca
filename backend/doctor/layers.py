"""The check of what layers are trained on a project's labels."""

from __future__ import annotations

from backend.doctor.bench import ProjectBench
from backend.doctor.checks import project_check
from backend.doctor.finding import Finding, note, ok
from backend.jobs.status import job_status
from backend.jobs.summary import ranked_in_words
from backend.jobs.tuning_due import are_views_wanted, depth_of, digest_in
from backend.learning.adapted_or_not import MIN_ITEMS
from backend.store.locations import adapted_models, version_store


@project_check("layers", "label config", "settings", "model store")
def layers(bench: ProjectBench) -> Finding:
    settings = bench.bench.settings
    if depth_of(settings, bench.scheme.main) is None:
        return ok(f"those on top of the encoder, which stays as it is (FINE_TUNE={settings.fine_tune})")
    job = job_status(bench.bench.redis, f"finetune-{bench.id}") or {}
    if job.get("error"):
        return note(f"adapting failed: {job['error']}", "Mend what it names; a later retrain tries it again.")
    attempt = adapted_models(settings, bench.id).attempt()
    waiting = job.get("status") not in (None, "finished")
    if attempt is None:
        result = job.get("result")
        said = result.get("said") if isinstance(result, dict) else None
        return ok(said or ("being adapted" if waiting else f"not yet: from {MIN_ITEMS} labels on"))
    serves = bench.published
    used = serves is not None and digest_in(version_store(settings, bench.id).stats(serves)) == attempt.digest
    if attempt.digest is not None and not used:
        return ok(f"{attempt.said}, once a version is published that has them")
    said = f"{attempt.said}{_order(bench, serves)}"
    return ok(f"{said}; being adapted anew" if waiting else said)


def _order(bench: ProjectBench, serves: str | None) -> str:
    """Which vectors ranked the queue, where others than the frozen ones are asked for."""
    settings = bench.bench.settings
    if settings.rank_on == "frozen":
        return ""
    if not are_views_wanted(settings, bench.scheme.main):
        return "; RANK_ON is heeded for answers about whole contents alone: the order is of frozen vectors"
    stats = {} if serves is None else version_store(settings, bench.id).stats(serves)
    return f"; {ranked_in_words(stats)}"
