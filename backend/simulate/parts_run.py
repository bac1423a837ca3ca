"""A simulation of parts, spans of texts, boxes and areas of images, from the file to the report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend.errors import AtlasError, NoContent
from backend.labelled.echo import what_was_read_of_parts
from backend.labelled.marked import MarkedTexts
from backend.labelled.marked_images import MarkedImages
from backend.printable import printable
from backend.settings import Settings
from backend.simulate.folder import publish, staging
from backend.simulate.plan import Plan
from backend.simulate.reading import Reading, reading_of
from backend.simulate.workers import Failure, Workers

if TYPE_CHECKING:
    from backend.simulate.parts import Items, PartsJob, PartsReplay
    from backend.simulate.parts_summary import PartsSummary

WRITTEN = ("curves.csv", "summary.json", "report.html")


@dataclass(frozen=True)
class _Outcome:
    kind: type[Items]
    plan: Plan
    rows: list[PartsSummary]
    failures: list[str]


def run_parts(
    file: Path,
    given: MarkedTexts | MarkedImages,
    plan: Plan,
    encoder: str | None,
    out: Path,
    force: bool,
    processes: int,
) -> list[str]:
    """Writes curves.csv, summary.json and report.html. Returns, in words, the replays that failed, of which
    the strategies are left out. Raises AtlasError where nothing can be compared."""
    from backend.simulate.parts import held_out_of

    console = Console()
    for line in what_was_read_of_parts(file, given):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    if encoder is not None and "," in encoder:
        raise AtlasError("--encoder: where parts are marked one encoder is simulated at a time")
    settings = Settings()
    own = settings.encoder if isinstance(given, MarkedTexts) else settings.image_encoder
    plan = replace(plan, encoders=(encoder or own,))
    held_out = held_out_of(len(given.rows), plan)
    plan = plan.within(len(given.rows) - held_out, len(given.labels))
    to_label = f"{len(given.rows) - held_out:,} {given.things.many} to label"
    console.print(f"  {to_label}, {held_out:,} held out to measure on", highlight=False)
    with staging(out, file, force) as folder, Workers(processes) as workers:
        outcome = _worked(file, given, plan, folder, workers, console)
        publish(folder, list(WRITTEN), out)
    _show(outcome, console)
    console.print(printable(f"Report: {out / 'report.html'}"), soft_wrap=True, highlight=False, markup=False)
    return outcome.failures


def _worked(
    file: Path,
    given: MarkedTexts | MarkedImages,
    plan: Plan,
    folder: Path,
    workers: Workers,
    console: Console,
) -> _Outcome:
    """Leaves the files of WRITTEN in the folder."""
    from backend.simulate.parts_report import render
    from backend.simulate.parts_summary import as_json, curves, summarised

    place, reading = folder / "items.safetensors", reading_of(given, plan.encoders[0])
    try:
        encoder = reading.write(place)
    except (ValueError, NoContent, OSError) as error:
        raise AtlasError(f"it cannot be encoded: {error}") from error
    replays, full, failures = _compared(_replayed(plan, place, reading, workers, console))
    kind, rows = type(reading.read(place)), summarised(replays)
    data = {
        "file": file.name,
        "path": str(file.resolve()),
        "source": given.source,
        kind.things: len(given.rows),
        "labels": given.labels,
        "dropped": given.dropped,
    }
    pages = {
        "curves.csv": curves(replays, kind),
        "summary.json": as_json(data, plan, kind, encoder, full, rows),
        "report.html": render(file.name, plan, kind, encoder, full, replays, rows, failures),
    }
    for name, content in pages.items():
        (folder / name).write_text(content, encoding="utf-8", errors="replace", newline="")
    return _Outcome(kind, plan, rows, failures)


def _replayed(
    plan: Plan, place: Path, reading: Reading, workers: Workers, console: Console
) -> dict[PartsJob, PartsReplay | Failure]:
    """What became of each strategy and seed, and of a model of all labels, in the plan's order."""
    from backend.simulate.parts import PartsJob, replay_parts
    from backend.simulate.show import Steps, progress_bar

    jobs = [
        PartsJob(name, seed, plan, place, reading.read)
        for name in (None, *plan.strategies)
        for seed in plan.seeds
    ]
    found: dict[PartsJob, PartsReplay | Failure] = {}
    with progress_bar(console) as progress:
        per_seed = 1 + len(plan.strategies) * len(plan.budgets)
        steps = Steps(progress, console, len(plan.seeds) * per_seed)
        for job, result in workers.run(replay_parts, jobs, steps.one):
            found[job] = result
            steps.ended(job)
    return {job: found[job] for job in jobs}


def _compared(
    found: dict[PartsJob, PartsReplay | Failure],
) -> tuple[list[PartsReplay], dict[int, float], list[str]]:
    """The replays of the strategies of which none failed; by seed, the score with all labels; the failures in
    words. Raises AtlasError where nothing can be compared."""
    failures = [f"{job}: {each.reason}" for job, each in found.items() if isinstance(each, Failure)]
    failed = {job.strategy for job, each in found.items() if isinstance(each, Failure)}
    whole = {
        job: each
        for job, each in found.items()
        if not isinstance(each, Failure) and job.strategy not in failed
    }
    replays = [each for job, each in whole.items() if job.strategy is not None]
    if not replays or None in failed:
        raise AtlasError("nothing can be compared: " + "; ".join(failures))
    full = {job.seed: each.points[-1].score for job, each in whole.items() if job.strategy is None}
    return replays, full, failures


def _show(outcome: _Outcome, console: Console) -> None:
    from backend.simulate.parts_summary import verdict

    kind = outcome.kind
    one = kind.things.removesuffix("s")
    said = f"{kind.measure_told} on held-out {kind.things}: mean per {one}, by {kind.cost_told}"
    table = Table(caption=f"{said}; CPU s of choosing")
    numbers = (f"per {one}", f"by {kind.cost}", "to random", "at the end", kind.cost_told, "CPU s")
    for column in ("strategy", *numbers):
        table.add_column(column, justify="left" if column == "strategy" else "right")
    for row in outcome.rows:
        table.add_row(row.strategy, *in_cells(row))
    console.print(table)
    console.print(verdict(outcome.rows, kind.cost_told), highlight=False, markup=False)
    for failure in outcome.failures:
        console.print(f"[red]left out:[/red] {escape(printable(failure))}", highlight=False)


def in_cells(row: PartsSummary) -> tuple[str, ...]:
    """A strategy's numbers as they are shown."""
    ahead = "–" if row.ahead is None else f"{row.ahead:+.3f}"
    ahead += "" if row.error is None else f" ± {row.error:.3f}"
    numbers: tuple[Any, ...] = (f"{row.per_item:.3f}", f"{row.per_cost:.3f}", ahead, f"{row.score:.3f}")
    return (*numbers, f"{row.cost:,.0f}", f"{row.seconds:.1f}")
