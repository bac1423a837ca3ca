"""How good: the estimate with its interval, the forecast, each class, what is taken for what, the shift.

Numbers are named after what they are: what models say of labelled tasks that they had not seen is not how
right they are on the tasks that wait, where the queue asks for the hard ones first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from backend.jobs.shifting import ENOUGH
from backend.jobs.summary import FEWEST_AUDITS, estimated_of
from backend.pages.curves import Band, Goal, Line, chart
from backend.pages.going_on import going_on
from backend.pages.rendering import page as whole_page
from backend.pages.section import ProjectPage, Section
from backend.pages.words import measure
from backend.store.figures import read_figures
from backend.store.history import Entry

MATRIX_CLASSES = 12
"""That the matrix has; further ones are in the table, and in the list of what is taken for what."""
SHOWN_CLASSES = 15
"""That the table has before it is opened."""
SHOWN_PAIRS = 6
SHADES = 8
FEWEST_OF_CLASS = 5
"""Labels of a class with which it may be called the weakest."""


def context(page: ProjectPage) -> Mapping[str, Any]:
    return told_of(page, page.newest_name)


def told_of(page: ProjectPage, name: str | None) -> Mapping[str, Any]:
    """Of a version; None where there is none."""
    stats = page.newest if name == page.newest_name or name is None else page.versions.stats(name)
    controls = ((read_figures(page.files, name) if name else None) or {"controls": []})["controls"]
    estimated = (stats.get("estimate") or {}).get("per_class") or {}
    return {
        "stats": stats,
        "estimate": stats.get("estimate"),
        "main": estimated_of(stats),
        "forecast": stats.get("forecast"),
        "going_on": going_on(stats),
        "rarest": _rarest_audited(stats.get("estimate")),
        "fewest_audits": FEWEST_AUDITS,
        "chart": _chart(page.past.curve, stats),
        "measured": _measured(stats),
        "shift": _shift(stats),
        "unmeasured": _unmeasured(page, name, [each["control"] for each in controls]),
        "controls": [_control(each, {} if number else estimated) for number, each in enumerate(controls)],
    }


def _rarest_audited(estimate: object) -> Mapping[str, Any] | None:
    """Of the classes that audits are of, the one with the fewest, and how many that are; `more`: further
    classes with none either. None where it is not known, as of versions of an earlier release."""
    told = estimate.get("audited_of") if isinstance(estimate, dict) else None
    if not isinstance(told, dict) or len(told) < 2:
        return None
    name, count = min(told.items(), key=lambda each: each[1])
    return {"name": name, "count": count, "more": sum(each == 0 for each in told.values()) - 1}


def _unmeasured(page: ProjectPage, name: str | None, measured: Sequence[str]) -> list[str]:
    """Controls beside those that order the queue: their models are not judged."""
    scheme = None if name is None or not measured else page.versions.scheme(name)
    beside = () if scheme is None else scheme.companions
    return [each.from_name for each in beside if each.from_name not in measured]


def confused(page: ProjectPage, query: Mapping[str, str]) -> Response:
    """The tasks of one cell of the matrix."""
    control, given, said = (query.get(name, "") for name in ("control", "given", "said"))
    figures = (read_figures(page.files, page.newest_name) if page.newest_name else None) or {"controls": []}
    of_control = [each for each in figures["controls"] if each["control"] == control]
    pairs = [pair for each in of_control for pair in each.get("confused", [])]
    found = next((pair for pair in pairs if (pair["given"], pair["said"]) == (given, said)), None)
    if found is None:
        raise NotFound("The newest version takes nothing of this class for that one.")
    return whole_page(
        "tasks.html",
        page=page,
        project=page,
        visitor=page.visitor,
        seal=page.seal,
        given=given,
        said=said,
        pair=found,
        texts=page.texts(found["tasks"]),
    )


def _chart(past: Sequence[Entry], stats: Mapping[str, Any]) -> Markup:
    held_out = _points(past, lambda entry: entry.get("accuracy", _measured(entry)[1]))
    estimates = [(each["trained_on"], value) for each in past if (value := _estimate(each)) is not None]
    lines = [Line("labelled tasks, held out", "held-out", held_out)]
    bands = []
    if estimates:
        lines.append(
            Line("tasks that wait, estimated", "estimate", [(x, value["value"]) for x, value in estimates])
        )
        bands.append(Band("estimate", [(x, value["low"], value["high"]) for x, value in estimates]))
    goal = _goal(stats)
    if estimates and (found := _ahead(stats, estimates[-1], goal)) is not None:
        lines.append(found[0])
        bands.append(found[1])
    shown = [line for line in lines if line.points]
    if all(len(line.points) < 2 for line in shown):
        return Markup("")  # no curve yet
    ends = [(line.name, *line.points[-1]) for line in shown]
    if goal is not None and goal.at is not None:
        ends.append(("goal", goal.at, goal.level))
    said = "; ".join(f"{name}: {score:.0%} at {labels:.0f} labels" for name, labels, score in ends)
    return chart(lines, bands, said=f"Scores over labels. {said}", goal=goal)


def _goal(stats: Mapping[str, Any]) -> Goal | None:
    """Of the forecast, with the labels that are still expected to be needed."""
    forecast = stats.get("forecast") or {}
    level, needed = forecast.get("goal"), forecast.get("labels_to_goal")
    if level is None or not _is_share(level):
        return None
    return Goal(level, needed if needed is not None and needed > stats.get("trained_on", 0) else None)


def _ahead(
    stats: Mapping[str, Any], last: tuple[float, Mapping[str, float]], goal: Goal | None
) -> tuple[Line, Band] | None:
    """The forecast from the last estimate on, with the goal among its points where it lies in between."""
    told = (stats.get("forecast") or {}).get("at") or {}
    ahead = sorted((float(labels), each) for labels, each in told.items())
    if not ahead:
        return None
    x, found = last
    expected = [(x, found["value"]), *((at, each["value"]) for at, each in ahead)]
    if goal is not None and goal.at is not None and x < goal.at < ahead[-1][0]:
        expected = sorted([*expected, (goal.at, goal.level)])
    sure = [(x, found["low"], found["high"]), *((at, each["low"], each["high"]) for at, each in ahead)]
    return Line("forecast", "forecast", expected), Band("forecast", sure)


def _points(past: Sequence[Entry], score: Any) -> list[tuple[float, float]]:
    """Of the entries that have one, the last of those with as many labels."""
    found = {entry["trained_on"]: score(entry) for entry in past if _is_number(entry.get("trained_on"))}
    return sorted((labels, each) for labels, each in found.items() if _is_share(each))


def _estimate(entry: Mapping[str, Any]) -> Mapping[str, float] | None:
    """Of the accuracy, or the agreement."""
    _, found = estimated_of(entry)
    has_all = isinstance(found, dict) and all(_is_share(found.get(name)) for name in ("value", "low", "high"))
    return found if has_all and _is_number(entry.get("trained_on")) else None


def _measured(stats: Mapping[str, Any]) -> tuple[str, float | None]:
    """The main measure of parts; "", None without."""
    found = stats.get("measured")
    name, value = next(iter(found.items()), ("", None)) if isinstance(found, dict) else ("", None)
    return name, value


def _shift(stats: Mapping[str, Any]) -> str | None:
    kind = stats.get("new_kind")
    if not isinstance(kind, dict):
        return None
    came = f"{kind['tasks']} tasks that came after task {kind['after']}"
    return (
        f"Of {came}, {kind['unlike']:.0%} are unlike those that waited before. Until {ENOUGH} of them are "
        "labelled, what is said here may not hold for them."
    )


def _control(figures: Mapping[str, Any], estimated: Mapping[str, Any]) -> Mapping[str, Any]:
    """estimated: each class's F1 on what waits, by its name; of the first control alone."""
    classes = figures["classes"]
    measures, main = measures_of(classes), main_measure(classes)
    weakest = [each for each in classes if each["support"] >= FEWEST_OF_CLASS and _is_share(each.get(main))]
    return {
        **figures,
        "measures": measures,
        "shown": classes[:SHOWN_CLASSES],
        "more": classes[SHOWN_CLASSES:],
        "weakest": min(weakest, key=lambda each: each[main], default=None),
        "rare": [each["name"] for each in classes if each["support"] < FEWEST_OF_CLASS],
        "fewest": FEWEST_OF_CLASS,
        "main": main,
        "estimated": estimated,
        "matrix": _matrix(figures) if "confused" in figures else None,
        "pairs": figures.get("confused", [])[:SHOWN_PAIRS],
    }


def measures_of(classes: Sequence[Mapping[str, Any]]) -> list[str]:
    """By which each class is measured; of those that are called alike, which are the same of one class, the
    first."""
    named: dict[str, str] = {}
    for name in classes[0] if classes else ():
        if name not in ("name", "support", "right"):
            named.setdefault(measure(name), name)
    return [*named.values()]


def main_measure(classes: Sequence[Mapping[str, Any]]) -> str:
    measures = measures_of(classes)
    return "f1" if "f1" in measures else next(iter(measures), "")


def _matrix(figures: Mapping[str, Any]) -> Mapping[str, Any]:
    """names: of classes; rows: for each the share of its labels that was given each class, with the count and
    a shade, and whether the cell is on the diagonal."""
    classes = figures["classes"][:MATRIX_CLASSES]
    names, support = [each["name"] for each in classes], {each["name"]: each["support"] for each in classes}
    right = {each["name"]: each["right"] for each in classes}
    counts = {(each["given"], each["said"]): each["count"] for each in figures["confused"]}

    def cell(given: str, said: str) -> Mapping[str, Any]:
        count = right[given] if given == said else counts.get((given, said), 0)
        share = count / support[given] if support[given] else 0.0
        return {"count": count, "said": said, "shade": round(share * SHADES), "right": given == said}

    rows = [{"name": given, "cells": [cell(given, said) for said in names]} for given in names]
    return {"names": names, "rows": rows, "left_out": len(figures["classes"]) - len(names)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


HOW_GOOD = Section("how-good", "How good", context, answers={"confused": confused})
