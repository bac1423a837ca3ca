"""What the terminal shows: a progress bar over all steps, and the table at the end."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from backend.simulate.outcome import Outcome


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
    """The strategies, best first, then the verdict and what went wrong."""
    table = Table(caption="area: mean macro-F1; CPU s: of choosing", caption_justify="left")
    table.add_column("strategy", overflow="fold")
    for heading in ("area", "± seeds", "labels for 90 %", f"at {outcome.plan.budget}", "CPU s"):
        table.add_column(heading, justify="right")
    for row in outcome.summary.strategies:
        needed, deviation = row.median_labels_needed, row.area_deviation
        table.add_row(
            row.strategy,
            f"{row.area:.3f}",
            "–" if deviation is None else f"{deviation:.3f}",
            "not reached" if needed is None else f"{needed:g}",
            f"{row.final_macro_f1:.3f}",
            f"{row.seconds_choosing:.1f}",
        )
    own = outcome.summary.own_start
    if own is not None:
        needed = own.median_labels_needed
        table.add_section()
        table.add_row(
            f"{own.strategy}, begun by the backend's own first order",
            f"{own.area:.3f}",
            "–",
            "not reached" if needed is None else f"{needed:g}",
            f"{own.final_macro_f1:.3f}",
            f"{own.seconds_choosing:.1f}",
        )
    console.print(table)
    console.print(str(outcome.verdict), highlight=False, markup=False)
    for failure in outcome.failures:
        console.print(f"[red]left out:[/red] {escape(failure)}", highlight=False)
