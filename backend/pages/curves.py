"""Curves as SVG, drawn on the server: shapes and words alone, whose colours the style sheet has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from backend.printable import printable

WIDTH, HEIGHT = 720, 280
LEFT, RIGHT, TOP, BOTTOM = 58, 16, 14, 42
TICKS = 5


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


def chart(lines: Sequence[Line], bands: Sequence[Band], *, said: str, goal: float | None = None) -> Markup:
    """Scores over labels; "" where there is none. said: all of it in words, for who cannot see it; goal: a
    level to be reached."""
    lines, bands = [each for each in lines if each.points], [each for each in bands if each.points]
    xs = [x for line in lines for x, _ in line.points] + [x for band in bands for x, _, _ in band.points]
    if not xs:
        return Markup("")
    axes = _Axes(min(xs), max(xs))
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_said(said)}">',
        *_grid(axes, "labels"),
        *(f'<path class="band {band.kind}" d="{_band_path(axes, band)}"/>' for band in bands),
        *([] if goal is None else _goal(axes, goal)),
        *(f'<path class="line {line.kind}" d="{_path(axes, line.points)}"/>' for line in lines),
        *(_dot(axes, line) for line in lines),
        "</svg>",
    ]
    return Markup("".join(parts))


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

    def __init__(self, least: float, most: float):
        step = max(_step((most - least) or 1), 1)  # labels are whole
        self.least, self.most = math.floor(least / step) * step, math.ceil(most / step) * step
        if self.most <= self.least:
            self.most = self.least + step
        self.step = step

    def x(self, value: float) -> float:
        return LEFT + (value - self.least) / (self.most - self.least) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return TOP + (1 - min(max(value, 0), 1)) * (HEIGHT - TOP - BOTTOM)


def _step(span: float) -> float:
    """A round distance between two ticks."""
    rough = span / TICKS
    power = 10 ** math.floor(math.log10(rough))
    return next((each * power for each in (1, 2, 5) if each * power >= rough), 10 * power)


def _grid(axes: _Axes, under: str) -> list[str]:
    parts = []
    for percent in (0, 25, 50, 75, 100):
        y = axes.y(percent / 100)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick end" x="{LEFT - 8}" y="{y + 4:.1f}">{percent} %</text>')
    ticks = round((axes.most - axes.least) / axes.step)
    for i in range(ticks + 1):
        value = axes.least + i * axes.step
        at = "end" if i == ticks else "middle"
        y = HEIGHT - BOTTOM + 18
        parts.append(f'<text class="tick {at}" x="{axes.x(value):.1f}" y="{y}">{value:,.0f}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="axis middle" x="{middle}" y="{HEIGHT - 4}">{_said(under)}</text>')
    return parts


def _goal(axes: _Axes, goal: float) -> list[str]:
    y = axes.y(goal)
    beside = y + 17 if goal > 0.8 else y - 6
    return [
        f'<line class="goal" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>',
        f'<text class="goal-name end" x="{WIDTH - RIGHT}" y="{beside:.1f}">goal {goal:.0%}</text>',
    ]


def _dot(axes: _Axes, line: Line) -> str:
    x, y = line.points[-1]
    return f'<circle class="dot {line.kind}" cx="{axes.x(x):.1f}" cy="{axes.y(y):.1f}" r="4"/>'


def _path(axes: _Axes, points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{axes.x(x):.1f} {axes.y(y):.1f}" for x, y in points)


def _band_path(axes: _Axes, band: Band) -> str:
    above = [(x, high) for x, _, high in band.points]
    below = [(x, low) for x, low, _ in reversed(band.points)]
    return _path(axes, [*above, *below]) + "Z"
