"""The report a person reads: one HTML file that needs nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader

from backend import __version__
from backend.simulate.outcome import Outcome, Part
from backend.simulate.plan import DEFAULT
from backend.simulate.plot import draw_svg, styles
from backend.simulate.summary import Summary
from backend.simulate.verdict import Verdict

SHOWN_CLASSES = 12
"""Rows of the class table on view; the rest folds out."""


@dataclass(frozen=True)
class _Class:
    """f1, found: at the end, by the strategies' places; full: F1 with every label. None where no seed has it
    among its held-out texts."""

    label: str
    in_file: int
    full: float | None
    f1: list[float | None]
    found: list[float]

    @property
    def best(self) -> set[int]:
        return best_of(self.f1)


def best_of(values: Sequence[float | None], *, smallest: bool = False, digits: int = 3) -> set[int]:
    """Which of them are best, as they are shown; none where all are equal."""
    shown = {i: round(value, digits) for i, value in enumerate(values) if value is not None}
    if len(values) < 2 or not shown or (len(shown) == len(values) and len(set(shown.values())) == 1):
        return set()
    top = (min if smallest else max)(shown.values())
    return {i for i, value in shown.items() if value == top}


def _leaders(summary: Summary) -> set[int]:
    """The places of the best strategy and of those not distinguishable from it; none where all are alike."""
    best, *others = summary.strategies
    alike = {best.strategy, *(row.strategy for row in summary.like(best))} if others else set()
    if summary.noise is None or len(alike) == len(summary.strategies):
        return set()
    return {place for place, row in enumerate(summary.strategies) if row.strategy in alike}


@dataclass(frozen=True)
class _Section:
    """What is shown of one encoder: the strategies with it. best: the places to be bold, by column."""

    encoder: str
    summary: Summary
    verdict: Verdict
    setting: str
    best: dict[str, set[int]]
    plot: str
    colours: dict[str, str]
    classes: list[_Class]


def _section(outcome: Outcome, part: Part) -> _Section:
    summary, rows = part.summary, part.summary.strategies
    classes = [
        _Class(
            label,
            count,
            summary.full_class_f1.get(label),
            [row.class_f1.get(label) for row in rows],
            [row.per_class[label] for row in rows],
        )
        for label, count in outcome.texts.per_class.items()
    ]
    return _Section(
        part.encoder,
        summary,
        part.verdict,
        shlex.quote(part.verdict.setting),
        _bold(summary),
        draw_svg(part.complete, summary),
        _colours(summary),
        classes,
    )


def _bold(summary: Summary) -> dict[str, set[int]]:
    rows = summary.strategies
    return {
        "area": _leaders(summary),
        "needed": best_of([row.median_labels_needed for row in rows], smallest=True),
        "final": best_of([row.final_macro_f1 for row in rows]),
    }


def _colours(summary: Summary) -> dict[str, str]:
    return {name: colour for name, (colour, _) in styles(summary).items()}


def render(outcome: Outcome) -> str:
    """The whole page. Everything that came from the user's file is escaped."""
    environment = Environment(
        loader=PackageLoader("backend.simulate", ""), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    encoders = outcome.encoders
    beside = encoders and {
        "best": _bold(encoders.summary),
        "plot": draw_svg(encoders.curves, encoders.summary),
        "colours": _colours(encoders.summary),
        "setting": shlex.quote(encoders.verdict.setting),
        "present": outcome.plan.encoders[0],
    }
    return environment.get_template("report.html").render(
        file=outcome.file.name,
        plan=outcome.plan,
        encoders=encoders,
        beside=beside,
        sections=[_section(outcome, part) for part in outcome.parts],
        default=DEFAULT,
        failures=outcome.failures,
        shown=SHOWN_CLASSES,
        method=outcome.method,
        version=__version__,
    )
