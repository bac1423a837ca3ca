"""A check of what waits to be encoded."""

from __future__ import annotations

from rq import Queue

from backend.doctor.bench import ProjectBench
from backend.doctor.checks import project_check
from backend.doctor.finding import Finding, note, ok, wrong
from backend.jobs.encoding_progress import EncodingProgress
from backend.jobs.failing import REASON
from backend.jobs.job import AtlasJob


@project_check("encoding", "project", "Redis")
def encoding(bench: ProjectBench) -> Finding:
    dispatcher = bench.bench.dispatcher
    progress = EncodingProgress(dispatcher.redis, bench.id).read()
    if progress is None:
        return ok("nothing waits to be encoded")
    reason = _failure(dispatcher.encoding, bench.id)
    if reason is not None:
        return wrong(
            f"{progress.in_words()}; a shard of them failed: {reason}",
            "Mend what it says: the next retrain has the shard encoded again.",
        )
    return note(progress.in_words(), "More workers, here or elsewhere, encode in proportion.")


def _failure(queue: Queue, project_id: int) -> str | None:
    """Why the shard of the project that failed last has failed for good."""
    for job_id in reversed(queue.failed_job_registry.get_job_ids()):
        job = AtlasJob.read(job_id, queue.connection) if job_id.startswith(f"encode-{project_id}-") else None
        if job is not None:
            return str(job.meta.get(REASON) or "the worker's log says why")
    return None
