"""What the demo shows: boot steps, a live table, and the learning curve as a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from backend.demo.measure import Round

console = Console()


EVERY = 25
"""Of a step's words, so many are passed over where each would be a line of its own."""


@contextmanager
def step(doing: str) -> Iterator[Callable[[str], None]]:
    """A line per boot step: turning while it lasts, ticked when done.

    Yields a function that says how far it is: behind the line, or, where that is not redrawn, now and then
    in one of its own.
    """
    said = 0

    def say(how_far: str) -> None:
        nonlocal said
        if console.is_terminal:
            status.update(f"{doing}: {how_far} ...")
        elif said % EVERY == 0 or not how_far.startswith("package"):
            console.print(f"  {how_far}", highlight=False, markup=False)
        said += 1

    with console.status(f"{doing} ...") as status:
        yield say
    console.print(f"[green]✓[/green] {doing}")


class RoundTable:
    """A table that grows by a row per retrain, redrawn in place on a terminal."""

    def __init__(self, measures: Sequence[str], rare: str, target: int):
        self._measures = measures
        self._rare = rare
        self._target = target
        self._rounds: list[Round] = []

    def __enter__(self) -> RoundTable:
        self._live = Live(self._render(), console=console, refresh_per_second=4)
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.update(self._render())
        self._live.stop()
        if not console.is_terminal:
            console.print()  # a live table ends without a line break where it is not redrawn

    def add(self, row: Round) -> None:
        self._rounds.append(row)
        self._live.update(self._render(), refresh=True)

    def _render(self) -> Table:
        title = f"{self._rounds[-1].labels if self._rounds else 0} of {self._target} labels"
        table = Table(title=title, title_justify="left")
        for heading in (
            "labels",
            "model version",
            *self._measures,
            f'"{self._rare}" found',
            "in random order",
        ):
            table.add_column(heading, justify="right")
        for row in self._rounds[-25:]:  # what fits on a screen
            table.add_row(
                str(row.labels),
                row.model_version,
                *map(_shown, self._measures, row.scores),
                str(row.rare_found),
                f"{row.rare_found_random:.1f}",
            )
        return table


def draw_curve(rounds: list[Round], measures: Sequence[str], rare: str, strategy: str, path: Path) -> None:
    """Scores by their names, and how many of the rare class were found, over labels given."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    scored = [row for row in rounds if row.scores[0] is not None]
    labels = [row.labels for row in scored]
    for place, name in reversed(list(enumerate(measures))):  # the main one first
        left.plot(labels, [row.scores[place] for row in scored], marker="o", markersize=3, label=name)
    left.set(xlabel="labels", ylabel="held out", title="The model", ylim=(0, 1))
    left.legend(loc="lower right")
    labels = [row.labels for row in rounds]
    right.plot(
        labels, [row.rare_found for row in rounds], marker="o", markersize=3, label=f"strategy: {strategy}"
    )
    right.plot(
        labels,
        [row.rare_found_random for row in rounds],
        "--",
        color="grey",
        label="random order, on average",
    )
    right.set(xlabel="labels", ylabel=f'"{rare}" found', title="The rare class", ylim=(0, None))
    right.legend(loc="upper left")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _shown(name: str, score: float | None) -> str:
    return "–" if score is None else f"{score:.1%}" if name == "accuracy" else f"{score:.3f}"
