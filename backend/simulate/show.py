"""What the terminal shows: a progress bar over all steps, and the table at the end."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from backend.printable import printable
from backend.simulate.outcome import Outcome
from backend.simulate.summary import StrategySummary
from backend.simulate.verdict import Verdict


class Steps:
    """The progress of a simulation: each step moves the bar and says what was worked on.

    Where no bar is redrawn, as in a log, a line says which replay ended.
    """

    def __init__(self, progress: Progress, console: Console, total: int):
        self._progress = progress
        self._console = console
        self._bar = progress.add_task("preparing", total=total)

    def one(self, job: object) -> None:
        self._progress.update(self._bar, advance=1, description=escape(str(job)))

    def ended(self, job: object) -> None:
        if not self._console.is_terminal:
            self._console.print(f"replayed: {job}", highlight=False, markup=False)


def progress_bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps, time left"),
        TimeRemainingColumn(),
        console=console,
    )


def show(outcome: Outcome, console: Console) -> None:
    """The encoders where there are several, the strategies with each, best first, the verdicts, and what
    went wrong."""
    encoders = outcome.encoders
    if encoders is not None:
        table = _table("encoder", outcome.plan.budget, "CPU s: of encoding")
        for row in encoders.summary.strategies:
            table.add_row(row.strategy, *_cells(row))
        _print(console, table, encoders.verdict)
    for part in outcome.parts:
        if encoders is not None:
            console.print(f"\nWith {part.encoder}:", highlight=False, markup=False)
        table = _table("strategy", outcome.plan.budget, "CPU s: of choosing")
        for row in part.summary.strategies:
            table.add_row(row.strategy, *_cells(row))
        own = part.summary.own_start
        if own is not None:
            area, _, *rest = _cells(own)
            table.add_section()
            table.add_row(f"{own.strategy}, begun by the backend's own first order", area, "–", *rest)
        _print(console, table, part.verdict)
    for failure in outcome.failures:
        console.print(f"[red]left out:[/red] {escape(printable(failure))}", highlight=False)


def _print(console: Console, table: Table, verdict: Verdict) -> None:
    console.print(table)
    console.print(str(verdict), highlight=False, markup=False)


def _table(what: str, budget: int, seconds: str) -> Table:
    table = Table(caption=f"area: mean macro-F1; {seconds}", caption_justify="left")
    table.add_column(what, overflow="fold")
    for heading in ("area", "± seeds", "labels for 90 %", f"at {budget}", "CPU s"):
        table.add_column(heading, justify="right")
    return table


def _cells(row: StrategySummary) -> tuple[str, str, str, str, str]:
    needed, deviation = row.median_labels_needed, row.area_deviation
    return (
        f"{row.area:.3f}",
        "–" if deviation is None else f"{deviation:.3f}",
        "not reached" if needed is None else f"{needed:g}",
        f"{row.final_macro_f1:.3f}",
        f"{row.seconds_choosing:.1f}",
    )
