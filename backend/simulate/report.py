"""The report a person reads: one HTML file that needs nothing else."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader

from backend import __version__
from backend.simulate.outcome import Outcome
from backend.simulate.plot import draw_svg, styles

SHOWN_CLASSES = 12
"""Rows of the class table on view; the rest folds out."""


@dataclass(frozen=True)
class _Class:
    """found: labels of this class at the end, by the strategies' places."""

    label: str
    in_file: int
    found: list[float]


def render(outcome: Outcome) -> str:
    """The whole page. Everything that came from the user's file is escaped."""
    environment = Environment(
        loader=PackageLoader("backend.simulate", ""), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    rows = outcome.summary.strategies
    classes = [
        _Class(label, count, [row.per_class[label] for row in rows])
        for label, count in outcome.texts.per_class.items()
    ]
    return environment.get_template("report.html").render(
        file=outcome.file,
        plan=outcome.plan,
        summary=outcome.summary,
        verdict=outcome.verdict,
        setting=shlex.quote(outcome.verdict.setting),
        failures=outcome.failures,
        plot=draw_svg(outcome.replays, outcome.summary),
        colours={name: colour for name, (colour, _) in styles(outcome.summary).items()},
        classes=classes,
        shown=SHOWN_CLASSES,
        method=outcome.method,
        version=__version__,
    )
