"""Curves as SVG, drawn on the server: shapes and words alone, whose colours the style sheet has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from backend.printable import printable

WIDE, NARROW, HEIGHT = 720, 360, 280
"""Widths for a desktop's window and for a phone's: a style sheet shows one of both."""
LEFT, RIGHT, TOP, BOTTOM = 58, 24, 14, 42
BESIDE = 88
"""At the right, where the goal's name stands beside its line."""
TICKS = 5
QUARTER = 0.25
"""Between two lines of the grid; the vertical axis begins at the one below all that is shown."""


@dataclass(frozen=True)
class Line:
    """name: in the legend; kind: its class in the style sheet; points: (x, y), y in [0, 1], by rising x."""

    name: str
    kind: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Band:
    """points: (x, low, high), by rising x."""

    kind: str
    points: Sequence[tuple[float, float, float]]


@dataclass(frozen=True)
class Goal:
    """A level to be reached, and with how many labels it is expected to be; None where that is not known."""

    level: float
    at: float | None = None


def chart(lines: Sequence[Line], bands: Sequence[Band], *, said: str, goal: Goal | None = None) -> Markup:
    """Scores over labels, for a wide window and for a narrow one; "" where there is none. said: all of it in
    words, for who cannot see it."""
    lines, bands = [each for each in lines if each.points], [each for each in bands if each.points]
    xs = [x for line in lines for x, _ in line.points] + [x for band in bands for x, _, _ in band.points]
    if not xs:
        return Markup("")
    scores = [y for line in lines for _, y in line.points] + [
        low for band in bands for _, low, _ in band.points
    ]
    low = min([*scores, *([] if goal is None else [goal.level])])
    drawn, named = [], f'role="img" aria-label="{_said(said)}"'
    for kind, width in (("wide", WIDE), ("narrow", NARROW)):
        axes = _Axes(min(xs), max(xs), low, width, goal)
        drawn += [
            f'<svg class="chart {kind}" viewBox="0 0 {width} {HEIGHT}" {named}>',
            *_grid(axes),
            *(f'<path class="band {band.kind}" d="{_band_path(axes, band)}"/>' for band in bands),
            *(f'<path class="line {line.kind}" d="{_path(axes, line.points)}"/>' for line in lines),
            *(_dot(axes, line.kind, *line.points[-1]) for line in lines if line.kind != "forecast"),
            *([] if goal is None else _goal(axes, goal)),
            "</svg>",
        ]
    return Markup("".join(drawn))


def bars(counts: Sequence[tuple[str, int]], *, said: str) -> Markup:
    """A small bar for each of so many days. counts: name and height."""
    if not counts:
        return Markup("")
    most, width = max(count for _, count in counts) or 1, 9
    drawn = [
        f'<rect class="bar" x="{i * width}" y="{28 - height:.1f}" width="{width - 2}" height="{height:.1f}" '
        f'rx="1.5"><title>{_said(name)}: {count}</title></rect>'
        for i, (name, count) in enumerate(counts)
        for height in [max(26 * count / most, 1)]
    ]
    total = len(counts) * width
    return Markup(
        f'<svg class="bars" viewBox="0 0 {total} 28" width="{total}" height="28" role="img" '
        f'aria-label="{_said(said)}">{"".join(drawn)}</svg>'
    )


def _said(text: str) -> Markup:
    return escape(printable(text))


class _Axes:
    """From values to places in the picture."""

    def __init__(self, least: float, most: float, low: float, width: int, goal: Goal | None):
        """least, most: of the labels; low: the lowest score."""
        self.bottom = min(max(math.floor(low / QUARTER) * QUARTER, 0.0), 1 - QUARTER)
        ticks = TICKS if width == WIDE else TICKS - 2
        step = max(_step((most - least) or 1, ticks), 1)  # labels are whole
        self.least, self.most = math.floor(least / step) * step, math.ceil(most / step) * step
        if self.most <= self.least:
            self.most = self.least + step
        self.step = step
        self.is_goal_within = goal is not None and goal.at is not None and self.least <= goal.at <= self.most
        self.right = width - (RIGHT if goal is None or self.is_goal_within else BESIDE)

    def x(self, value: float) -> float:
        return LEFT + (value - self.least) / (self.most - self.least) * (self.right - LEFT)

    def y(self, value: float) -> float:
        share = (min(max(value, self.bottom), 1) - self.bottom) / (1 - self.bottom)
        return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


def _step(span: float, ticks: int) -> float:
    """A round distance between two of about so many ticks."""
    rough = span / ticks
    power = 10 ** math.floor(math.log10(rough))
    return next((each * power for each in (1, 2, 5) if each * power >= rough), 10 * power)


def _grid(axes: _Axes) -> list[str]:
    parts, right = [], axes.right
    for percent in range(round(100 * axes.bottom), 101, round(100 * QUARTER)):
        y = axes.y(percent / 100)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick end" x="{LEFT - 8}" y="{y + 4:.1f}">{percent} %</text>')
    ticks = round((axes.most - axes.least) / axes.step)
    for i in range(ticks + 1):
        value = axes.least + i * axes.step
        y = HEIGHT - BOTTOM + 18
        parts.append(f'<text class="tick middle" x="{axes.x(value):.1f}" y="{y}">{value:,.0f}</text>')
    begins = f"; the upright axis begins at {axes.bottom:.0%}".replace("%", " %") if axes.bottom else ""
    middle = (LEFT + right) / 2
    parts.append(f'<text class="axis middle" x="{middle}" y="{HEIGHT - 4}">labels{begins}</text>')
    return parts


def _goal(axes: _Axes, goal: Goal) -> list[str]:
    """Its level, and a dot where it is expected to be reached, with the labels that takes."""
    y, right = axes.y(goal.level), axes.right
    name = f"goal {100 * goal.level:.0f} %"
    parts = [f'<line class="goal" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>']
    if goal.at is None or not axes.is_goal_within:
        return [*parts, f'<text class="goal-name" x="{right + 8}" y="{y + 4:.1f}">{name}</text>']
    x = axes.x(goal.at)
    at, there = ("end", x + 8) if x > (LEFT + right) / 2 else ("start", x - 8)
    name = f"{name} at {goal.at:,.0f} labels"
    return [
        *parts,
        _dot(axes, "forecast", goal.at, goal.level),
        f'<text class="goal-name {at}" x="{there:.1f}" y="{y - 7:.1f}">{name}</text>',
    ]


def _dot(axes: _Axes, kind: str, x: float, y: float) -> str:
    return f'<circle class="dot {kind}" cx="{axes.x(x):.1f}" cy="{axes.y(y):.1f}" r="4"/>'


def _path(axes: _Axes, points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{axes.x(x):.1f} {axes.y(y):.1f}" for x, y in points)


def _band_path(axes: _Axes, band: Band) -> str:
    above = [(x, high) for x, _, high in band.points]
    below = [(x, low) for x, low, _ in reversed(band.points)]
    return _path(axes, [*above, *below]) + "Z"
