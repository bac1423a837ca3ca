"""A simulation of spans from the texts to the files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend.errors import AtlasError
from backend.labelled.marked import MarkedTexts
from backend.settings import Settings
from backend.simulate.folder import publish, staging
from backend.simulate.plan import MAX_HELD_OUT, Plan
from backend.simulate.workers import Failure, Workers

if TYPE_CHECKING:
    from backend.simulate.spans_summary import SpanSummary


def run_spans(
    file: Path, texts: MarkedTexts, plan: Plan, encoder: str | None, out: Path, force: bool, processes: int
) -> list[str]:
    """Writes curves.csv and summary.json. Returns, in words, the replays that failed, of which the strategies
    are left out. Raises AtlasError where nothing can be compared."""
    console = Console()
    said = f"  {len(texts.rows):,} texts with spans of {len(texts.labels)} labels ({texts.source})"
    console.print(said, highlight=False, markup=False)
    if encoder is not None and "," in encoder:
        raise AtlasError("--encoder: of spans one encoder is simulated at a time")
    held_out = max(1, min(int(len(texts.rows) * plan.held_out), MAX_HELD_OUT))
    plan = replace(plan, encoders=(encoder or Settings().encoder,))
    plan = plan.within(len(texts.rows) - held_out, len(texts.labels))
    with staging(out, file, force) as folder, Workers(processes) as workers:
        rows, failures = _worked(file, texts, plan, folder, workers, console)
        publish(folder, ["curves.csv", "summary.json"], out)
    _show(rows, console)
    for failure in failures:
        console.print(f"[red]left out:[/red] {escape(failure)}", highlight=False)
    console.print(f"Written: {out / 'summary.json'}, {out / 'curves.csv'}", soft_wrap=True, markup=False)
    return failures


def _worked(
    file: Path, texts: MarkedTexts, plan: Plan, folder: Path, workers: Workers, console: Console
) -> tuple[list[SpanSummary], list[str]]:
    from backend.simulate.show import Steps, progress_bar
    from backend.simulate.spans import SpanJob, SpanReplay, replay_spans, write_words
    from backend.simulate.spans_summary import as_json, curves, summarised

    place = folder / "words.safetensors"
    try:
        encoder = write_words(texts, plan.encoders[0], place)
    except ValueError as error:
        raise AtlasError(f"ENCODER: {error}") from error
    names = [None, *plan.strategies]
    jobs = [SpanJob(name, seed, plan, place, len(texts.labels)) for name in names for seed in plan.seeds]
    found: dict[SpanJob, SpanReplay | Failure] = {}
    with progress_bar(console) as progress:
        per_seed = 1 + len(plan.strategies) * len(plan.budgets)
        steps = Steps(progress, console, len(plan.seeds) * per_seed)
        for job, result in workers.run(replay_spans, jobs, steps.one):
            found[job] = result
            steps.ended(job)
    failures = [f"{job}: {each.reason}" for job, each in found.items() if isinstance(each, Failure)]
    failed = {job.strategy for job, each in found.items() if isinstance(each, Failure)}
    ended = [(job, found[job]) for job in jobs if job.strategy not in failed]
    replays = [each for job, each in ended if job.strategy and isinstance(each, SpanReplay)]
    if not replays or None in failed:
        raise AtlasError("nothing can be compared: " + "; ".join(failures))
    full = {
        each.seed: each.points[-1].f1
        for job, each in ended
        if isinstance(each, SpanReplay) and not job.strategy
    }
    rows = summarised(replays)
    (folder / "curves.csv").write_text(curves(replays), encoding="utf-8", newline="")
    told = as_json(file, texts, plan, encoder, full, rows)
    (folder / "summary.json").write_text(told, encoding="utf-8", newline="")
    return rows, failures


def _show(rows: list[SpanSummary], console: Console) -> None:
    from backend.simulate.spans_summary import verdict

    table = Table(caption="F1 of whole spans on held-out texts: mean per text, per word; CPU s of choosing")
    for column in ("strategy", "per text", "per word", "to random", "F1 at the end", "words read", "CPU s"):
        table.add_column(column, justify="left" if column == "strategy" else "right")
    for row in rows:
        ahead = "–" if row.ahead is None else f"{row.ahead:+.3f}"
        ahead += "" if row.error is None else f" ± {row.error:.3f}"
        numbers = (f"{row.per_text:.3f}", f"{row.per_word:.3f}", ahead, f"{row.f1:.3f}", f"{row.words:,.0f}")
        table.add_row(row.strategy, *numbers, f"{row.seconds:.1f}")
    console.print(table)
    console.print(verdict(rows), highlight=False, markup=False)
