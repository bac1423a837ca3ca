"""Learning curves with bands over the seeds, as a picture to keep and as one for the report."""

from __future__ import annotations

import io
import re
import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from backend.simulate.replay import Replay
from backend.simulate.summary import TARGET, Summary
from backend.simulate.verdict import BASELINE

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe & Ito's colours for every kind of colour vision, without those that white or black swallows."""
GREY = "#808080"
"""The baseline's, legible on white and on black."""
DASHES = ("solid", (0, (5, 1.5)), (0, (1, 1)), (0, (6, 1, 1, 1)), (0, (3, 1, 1, 1, 1, 1)))
"""Once the colours are used up, lines differ by these."""
OWN_START = (0, (2, 3))
"""The line that does not start where the others do."""
INK = "#123456"
"""Stands for the colour of the text around the picture until the picture is in the report."""


def styles(summary: Summary) -> dict[str, tuple[str, object]]:
    """Colour and dashes of each strategy's line, by its place."""
    others = [row.strategy for row in summary.strategies if row.strategy != BASELINE]
    found: dict[str, tuple[str, object]] = {
        name: (COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)])
        for place, name in enumerate(others)
    }
    return {**found, BASELINE: (GREY, (0, (2, 2)))}


def draw_png(replays: Sequence[Replay], summary: Summary, path: Path) -> None:
    """The picture on white."""
    _draw(replays, summary, "#222222").savefig(path, dpi=150, facecolor="white")


def draw_svg(replays: Sequence[Replay], summary: Summary) -> str:
    """An <svg> element without a background, its text in the colour of the text around it."""
    return as_svg(lambda: _draw(replays, summary, INK))


def as_svg(draw: Callable[[], Figure]) -> str:
    """What is drawn in INK, as of `draw_svg`."""
    # The salt makes the ids, and with them the file, the same every time.
    with rc_context({"svg.hashsalt": "label-studio-atlas", "svg.fonttype": "path"}):
        content = io.StringIO()
        draw().savefig(content, format="svg", transparent=True, metadata={"Date": None})
    svg = content.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    # Without its own size, only with a viewBox, the page decides the width.
    return re.sub(r' (?:width|height)="[0-9.]+pt"', "", svg, count=2)


def in_ink(ink: str) -> AbstractContextManager[None]:
    """What is drawn within has its texts in this colour."""
    return rc_context({"text.color": ink, "axes.labelcolor": ink, "xtick.color": ink, "ytick.color": ink})


def _draw(replays: Sequence[Replay], summary: Summary, ink: str) -> Figure:
    with in_ink(ink):
        rows = (len(summary.strategies) + 1) // 2
        figure = Figure(figsize=(9, 5 + 0.2 * rows), layout="constrained")
        axes = figure.subplots()
        look = styles(summary)
        ends = []
        # The best is drawn last, on top.
        for place, row in reversed(list(enumerate(summary.strategies, 1))):
            colour, dashes = look[row.strategy]
            curves = [r for r in replays if r.strategy == row.strategy and not r.own_start]
            end = _band(axes, curves, colour, dashes, f"{place}  {row.strategy}", len(summary.strategies))
            ends.append((end, str(place), colour))
        own = [replay for replay in replays if replay.own_start]
        if own:
            colour = look.get(own[0].strategy, (GREY, "solid"))[0]
            _band(axes, own, colour, OWN_START, own[0].name, len(summary.strategies))
        _reference(axes, summary, ink)
        axes.set(xlabel="labels", ylabel="macro-F1, held out")
        axes.grid(alpha=0.25, color=GREY)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(ink)
        _name_ends(axes, ends)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles[::-1], labels[::-1], loc="outside lower center", ncols=2, frameon=False)
    return figure


def _band(
    axes: Axes, curves: list[Replay], colour: str, dashes: object, label: str, strategies: int
) -> float:
    """The mean over the seeds, with their lowest and highest around it. Returns where the line ends."""
    labels = [point.labels for point in curves[0].points]
    columns = list(zip(*([point.score.macro_f1 for point in curve.points] for curve in curves), strict=True))
    mean = [statistics.mean(column) for column in columns]
    axes.plot(labels, mean, color=colour, linestyle=dashes, linewidth=1.8, label=label)
    if len(curves) > 1:
        low, high = [min(column) for column in columns], [max(column) for column in columns]
        axes.fill_between(labels, low, high, color=colour, alpha=0.5 / (strategies + 1), linewidth=0)
    return mean[-1]


def _reference(axes: Axes, summary: Summary, ink: str) -> None:
    full = summary.full_macro_f1
    for height, name in ((full, "all labels"), (TARGET * full, f"{TARGET:.0%} of it")):
        axes.axhline(height, color=ink, linewidth=0.8, linestyle=(0, (1, 3)))
        axes.annotate(
            name,
            (0, height),
            xycoords=("axes fraction", "data"),
            xytext=(4, 2),
            textcoords="offset points",
            fontsize=8,
            color=ink,
        )


def _name_ends(axes: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Each line's place beside its end, pushed apart where they would overlap."""
    low, high = axes.get_ylim()
    at = _spread([end for end, _, _ in sorted(ends)], (high - low) / 28, high)
    for height, (_, place, colour) in zip(at, sorted(ends), strict=True):
        axes.annotate(
            place,
            (1, height),
            xycoords=("axes fraction", "data"),
            xytext=(-10, 0),
            textcoords="offset points",
            color=colour,
            fontsize=9,
            fontweight="bold",
            va="center",
        )


def _spread(heights: list[float], gap: float, top: float) -> list[float]:
    """Ascending heights, moved so that they are `gap` apart and none is above `top`."""
    at: list[float] = []
    for height in heights:
        at.append(max(height, at[-1] + gap) if at else height)
    for index in reversed(range(len(at))):
        above = at[index + 1] - gap if index + 1 < len(at) else top
        at[index] = min(at[index], above)
    return at
