"""The work of a simulation: every strategy on every seed, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from backend.errors import AtlasError
from backend.labelled import LabelledTexts
from backend.simulate.encoders import compare
from backend.simulate.outcome import Outcome, Part
from backend.simulate.plan import DEFAULT, Plan
from backend.simulate.plot import draw_png
from backend.simulate.replay import Full, Replay, ReplayJob, SeedJob, classes_of, prepare, replay
from backend.simulate.report import render
from backend.simulate.show import Steps, progress_bar
from backend.simulate.summary import summarise
from backend.simulate.tables import curves_csv, summary_json
from backend.simulate.verdict import judge
from backend.simulate.workers import Failure, Workers

Split = tuple[str, int]
"""An encoder and a seed."""


def simulated(
    file: Path, texts: LabelledTexts, plan: Plan, pool: int, folder: Path, workers: Workers, console: Console
) -> Outcome:
    """file: where they were read; pool: texts to label; folder: where to work.

    A strategy of which a replay fails is left out. Raises AtlasError where none is left.
    """
    with _steps(plan, console) as steps:
        files = {
            (encoder, seed): folder / f"seed-{seed}-{number}.safetensors"
            for number, encoder in enumerate(plan.encoders)
            for seed in plan.seeds
        }
        full = _prepared(texts, plan, files, workers, steps)
        results = _replayed(_jobs(plan, classes_of(texts.rows), files), workers, steps)
    failures = {job: result for job, result in results.items() if isinstance(result, Failure)}
    replays = [result for result in results.values() if isinstance(result, Replay)]
    failed = {(job.strategy, job.own_start) for job in failures}
    complete = [r for r in replays if (r.strategy, r.own_start) not in failed]
    reasons = [f"{job}: {failure.reason}" for job, failure in failures.items()]
    if all(r.own_start for r in complete):
        raise AtlasError("every strategy failed: " + "; ".join(reasons))
    parts = []
    for encoder in plan.encoders:
        scores = {seed: each.score for seed, each in full[encoder].items()}
        summary = summarise([r for r in complete if r.encoder == encoder], scores)
        ended = [r for r in replays if r.encoder == encoder]
        parts.append(Part(encoder, ended, summary, judge(summary, plan, pool)))
    return Outcome(file, texts, plan, pool, parts, reasons, compare(complete, full, plan))


def written(outcome: Outcome, folder: Path) -> list[str]:
    """Write everything into a folder; returns the files' names."""
    picture = folder / "learning-curve.png"
    if outcome.encoders is None:
        draw_png(outcome.chosen.complete, outcome.chosen.summary, picture)
    else:
        draw_png(outcome.encoders.curves, outcome.encoders.summary, picture)
    contents = {
        "curves.csv": curves_csv([replay for part in outcome.parts for replay in part.replays]),
        "report.html": render(outcome),
        "summary.json": summary_json(outcome),
    }
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8", errors="replace", newline="")
    return ["learning-curve.png", *contents]


@contextmanager
def _steps(plan: Plan, console: Console) -> Iterator[Steps]:
    replays = len(plan.strategies) + (DEFAULT in plan.strategies and not plan.live)
    with progress_bar(console) as progress:
        per_split = 2 + replays * len(plan.budgets)
        yield Steps(progress, console, len(plan.encoders) * len(plan.seeds) * per_split)


def _prepared(
    texts: LabelledTexts, plan: Plan, files: dict[Split, Path], workers: Workers, steps: Steps
) -> dict[str, dict[int, Full]]:
    """By encoder and seed, a model trained on the whole pool. Raises AtlasError where one fails."""
    found: dict[str, dict[int, Full]] = {encoder: {} for encoder in plan.encoders}
    jobs = [
        SeedJob(texts.rows, plan, seed, file, encoder, texts.things, texts.fields)
        for (encoder, seed), file in files.items()
    ]
    for job, full in workers.run(prepare, jobs, steps.one):
        if isinstance(full, Failure):
            raise AtlasError(f"{job} failed: {full.reason}")
        found[job.encoder][job.seed] = full
    return found


def _replayed(jobs: list[ReplayJob], workers: Workers, steps: Steps) -> dict[ReplayJob, Replay | Failure]:
    """In the jobs' order, whichever ended first."""
    results = {}
    for job, result in workers.run(replay, jobs, steps.one):
        results[job] = result
        steps.ended(job)
    return {job: results[job] for job in sorted(jobs, key=lambda job: (job.own_start, jobs.index(job)))}


def _jobs(plan: Plan, classes: tuple[str, ...], files: dict[Split, Path]) -> list[ReplayJob]:
    """Strategy by strategy; the default one also as the backend really begins."""
    jobs = [
        ReplayJob(strategy, seed, plan, classes, file, encoder=encoder)
        for strategy in plan.strategies
        for (encoder, seed), file in files.items()
    ]
    if plan.live:
        return jobs
    return jobs + [replace(job, own_start=True) for job in jobs if job.strategy == DEFAULT]
