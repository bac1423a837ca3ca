"""The report on a simulation of parts: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from jinja2 import Environment, PackageLoader
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from backend import __version__
from backend.simulate.parts import Items, PartsPoint, PartsReplay
from backend.simulate.parts_run import in_cells
from backend.simulate.parts_summary import BASELINE, PartsSummary, verdict
from backend.simulate.plan import Plan
from backend.simulate.plot import COLOURS, GREY, INK, as_svg, in_ink


def render(
    file: str,
    plan: Plan,
    kind: type[Items],
    encoder: str,
    full: dict[int, float],
    replays: Sequence[PartsReplay],
    rows: Sequence[PartsSummary],
    failures: Sequence[str],
) -> str:
    """The whole page. Everything that came from the user's file is escaped. full: see `as_json`."""
    environment = Environment(
        loader=PackageLoader("backend.simulate", ""), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    others = [row.strategy for row in rows if row.strategy != BASELINE]
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(others)} | {BASELINE: GREY}
    return environment.get_template("parts_report.html").render(
        file=file,
        plan=plan,
        kind=kind,
        encoder=encoder,
        full=fmean(full.values()),
        verdict=verdict(rows, kind.cost_told),
        rows=[(row.strategy, colours[row.strategy], in_cells(row)) for row in rows],
        plot=as_svg(lambda: _drawn(replays, kind, colours, fmean(full.values()))),
        failures=failures,
        version=__version__,
    )


def _drawn(replays: Sequence[PartsReplay], kind: type[Items], colours: dict[str, str], full: float) -> Figure:
    """Left over the items, right over what was paid."""
    with in_ink(INK):
        figure = Figure(figsize=(9, 4.4), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        for name, colour in colours.items():
            own = [each.points for each in replays if each.strategy == name]
            if own:
                _line(left, own, "labels", name, colour)
                _line(right, own, "cost", name, colour)
        for axes, what in ((left, kind.things), (right, kind.cost_told)):
            axes.set(xlabel=what)
            axes.axhline(full, color=INK, linewidth=0.8, linestyle=(0, (1, 3)))
            axes.grid(alpha=0.25, color=GREY)
            axes.spines[["top", "right"]].set_visible(False)
        left.set(ylabel=kind.measure_told)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _line(axes: Axes, runs: Sequence[Sequence[PartsPoint]], over: str, name: str, colour: str) -> None:
    """The mean over the seeds of both."""
    at, score = (
        [fmean(getattr(point, what) for point in points) for points in zip(*runs, strict=True)]
        for what in (over, "score")
    )
    dashes = (0, (2, 2)) if name == BASELINE else "solid"
    axes.plot(at, score, color=colour, linestyle=dashes, linewidth=1.8, label=name)
