"""A simulation from the file to the report."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

from backend.errors import AtlasError
from backend.labelled import hold_out
from backend.simulate.data import LabelledTexts, load
from backend.simulate.folder import publish, staging
from backend.simulate.outcome import Outcome
from backend.simulate.plan import MAX_HELD_OUT, Plan
from backend.simulate.plot import draw_png
from backend.simulate.replay import Replay, ReplayJob, Score, SeedJob, classes_of, prepare, replay
from backend.simulate.report import render
from backend.simulate.show import progress_bar, show
from backend.simulate.summary import summarise
from backend.simulate.tables import curves_csv, summary_json
from backend.simulate.verdict import judge
from backend.simulate.workers import Failure, Workers

Result = TypeVar("Result")


@dataclass(frozen=True)
class SimulateOptions:
    """The command's options, where they are not the plan's. processes: None for one per core."""

    file: Path
    out: Path | None
    force: bool
    processes: int | None
    text_field: str | None
    control: str | None


def run(options: SimulateOptions, plan: Plan) -> Outcome:
    """Writes curves.csv, summary.json, learning-curve.png and report.html.

    Raises AtlasError, before any work, for a file, a plan or a folder that will not do.
    """
    console = Console()
    texts = load(options.file, options.text_field, options.control)
    pool, _ = hold_out(texts.rows, plan.held_out, MAX_HELD_OUT, plan.seeds[0])
    plan = plan.within(len(pool))
    out = options.out or Path(f"simulation-{options.file.name.split('.')[0]}")
    with staging(out, options.force) as folder:
        with progress_bar(console) as progress, Workers(options.processes or _cores()) as workers:
            full_scores, replays, failures = _work(texts, plan, folder, progress, workers)
        complete = {r.strategy for r in replays} - {failed.strategy for failed in failures}
        if not complete:
            raise AtlasError("every strategy failed: " + "; ".join(map(_say, failures.items())))
        summary = summarise([r for r in replays if r.strategy in complete], full_scores)
        reasons = [_say(failure) for failure in failures.items()]
        outcome = Outcome(
            options.file.name, texts, plan, len(pool), replays, summary, judge(summary), reasons
        )
        publish(folder, _write(outcome, folder), out)
    show(outcome, console)
    console.print(f"Report: {out / 'report.html'}", soft_wrap=True, highlight=False, markup=False)
    return outcome


def _work(
    texts: LabelledTexts, plan: Plan, folder: Path, progress: Progress, workers: Workers
) -> tuple[dict[int, Score], list[Replay], dict[ReplayJob, Failure]]:
    """The full-data scores by seed, the replays in the plan's order, and those that failed."""
    per_seed = 2 + len(plan.strategies) * len(plan.budgets)
    bar = progress.add_task("Preparing", total=len(plan.seeds) * per_seed)
    files = {seed: folder / f"seed-{seed}.safetensors" for seed in plan.seeds}

    def step() -> None:
        progress.advance(bar)

    full_scores = {}
    for job, score in workers.run(
        prepare, [SeedJob(texts.rows, plan, *item) for item in files.items()], step
    ):
        if isinstance(score, Failure):
            raise AtlasError(f"{job} failed: {score.reason}")
        full_scores[job.seed] = score

    progress.update(bar, description="Replaying")
    classes = classes_of(texts.rows)
    jobs = [
        ReplayJob(strategy, seed, plan, classes, file)
        for seed, file in files.items()
        for strategy in plan.strategies
    ]
    results = dict(workers.run(replay, jobs, step))
    order = sorted(jobs, key=lambda job: plan.strategies.index(job.strategy))
    replays = [result for job in order if isinstance(result := results[job], Replay)]
    failures = {job: result for job in order if isinstance(result := results[job], Failure)}
    return full_scores, replays, failures


def _write(outcome: Outcome, folder: Path) -> list[str]:
    complete = {row.strategy for row in outcome.summary.strategies}
    draw_png(
        [r for r in outcome.replays if r.strategy in complete], outcome.summary, folder / "learning-curve.png"
    )
    contents = {
        "curves.csv": curves_csv(outcome.replays),
        "report.html": render(outcome),
        "summary.json": summary_json(outcome),
    }
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8", errors="replace", newline="")
    return ["learning-curve.png", *contents]


def _say(failure: tuple[ReplayJob, Failure]) -> str:
    job, result = failure
    return f"{job}: {result.reason}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
