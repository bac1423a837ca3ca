"""A simulation from the file to the report. What can be refused is, before torch is imported."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from backend.errors import AtlasError
from backend.labelled import hold_out, load
from backend.labelled.echo import what_was_read
from backend.labelled.field_values import named_by
from backend.labelled.marked import load_marked
from backend.labelled.marked_images import load_marked_images
from backend.labelled.things import Things
from backend.printable import printable
from backend.settings import Settings
from backend.simulate.folder import publish, staging
from backend.simulate.plan import MAX_HELD_OUT, Plan
from backend.simulate.workers import Workers

if TYPE_CHECKING:
    from backend.simulate.outcome import Outcome


@dataclass(frozen=True)
class SimulateOptions:
    """The command's options, where they are not the plan's. processes: None for one per core."""

    file: Path
    out: Path | None
    force: bool
    processes: int | None
    text_field: str | None
    control: str | None
    image_folder: Path | None = None


def simulate_file(options: SimulateOptions, plan: Plan, encoders: str | None) -> list[str]:
    """Of whole texts or images, or of parts of these where the file holds such. Returns what failed.

    Arguments and errors as of `run`.
    """
    marked = load_marked(options.file, options.text_field, options.control) or load_marked_images(
        options.file, options.image_folder, options.control
    )
    if marked is None:
        return run(options, plan, encoders).failures
    if fields := named_by(plan.strategies):
        raise AtlasError(
            f"{options.file}: strategies go by a field of whole texts or images, not yet of parts: leave "
            f"`by {fields[0]}` out"
        )
    from backend.simulate.parts_run import run_parts

    processes = options.processes or _cores()
    return run_parts(options.file, marked, plan, encoders, _out(options), options.force, processes)


def _out(options: SimulateOptions) -> Path:
    return options.out or Path(f"simulation-{options.file.name.split('.')[0]}")


def run(options: SimulateOptions, plan: Plan, encoders: str | None) -> Outcome:
    """encoders: by name, separated by commas; None for the one that is set.

    Writes curves.csv, summary.json, learning-curve.png and report.html.

    Raises AtlasError, before any work, for a file, a plan or a folder that will not do.
    """
    console = Console()
    asked = options.text_field, options.control, options.image_folder
    texts = load(options.file, *asked, named_by(plan.strategies))
    plan = replace(plan, encoders=_encoders(texts.things, encoders))
    for line in what_was_read(options.file, texts):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    pool, held_out = hold_out(texts.rows, plan.held_out, MAX_HELD_OUT, plan.seeds[0])
    plan = plan.within(len(pool), len(texts.per_class))
    console.print(
        f"  {len(pool):,} {texts.things.many} to label, {len(held_out):,} held out to measure on",
        highlight=False,
    )
    out = _out(options)
    with staging(out, options.file, options.force) as folder:
        from backend.simulate.show import show
        from backend.simulate.work import simulated, written

        with Workers(options.processes or _cores()) as workers:
            outcome = simulated(options.file, texts, plan, len(pool), folder, workers, console)
        publish(folder, written(outcome, folder), out)
    show(outcome, console)
    console.print(printable(f"Report: {out / 'report.html'}"), soft_wrap=True, highlight=False, markup=False)
    return outcome


def _encoders(things: Things, named: str | None) -> tuple[str, ...]:
    """Each once. Raises AtlasError for one that cannot be used."""
    names = [name.strip() for name in (named or getattr(Settings(), things.setting)).split(",")]
    found = tuple(dict.fromkeys(name for name in names if name))
    if not found:
        raise AtlasError("--encoder: no encoder is named")
    for name in found:
        try:
            things.check(name)
        except ValueError as error:
            raise AtlasError(f"{things.setting.upper()}: {error}") from error
    return found


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
