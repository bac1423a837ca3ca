"""Versions: which serves, how they compare, which shall stay, and the settings that are in force."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from backend.errors import AtlasError
from backend.jobs.selections import SHOW_GUESSES, Selection
from backend.jobs.serving import NEWEST
from backend.jobs.status import job_status
from backend.jobs.summary import estimated_of
from backend.pages.exporting import history, labels, request_labels, version_archive
from backend.pages.new_in_version import new_in
from backend.pages.section import ProjectPage, Section
from backend.pages.sections.how_good import main_measure
from backend.pages.settings_form import in_force, read_form
from backend.results.exported import exported
from backend.store.changes import Changes
from backend.store.chosen_settings import choose, chosen, settings_of
from backend.store.figures import read_figures

SHOWN = 12
SHOWN_CHANGES = 10
COMPARED_CLASSES = 20
RETRAINED_FOR = {"strategy", "audit_share", "goal_accuracy"}
"""Settings that a new version is made for; others a refill brings about."""


def context(page: ProjectPage) -> Mapping[str, Any]:
    serving, pinned = page.published, page.versions.pinned()
    kept = set(page.names)
    told = _told(page, kept)
    rows = [_row(*each, kept, serving, pinned) for each in zip_longest(told, told[1:])]
    before = page.names[: page.names.index(serving)] if serving in page.names else []
    return {
        "rows": [row for i, row in enumerate(rows) if i < SHOWN or row["state"]],
        "serving": serving,
        "pinned": pinned,
        "held": page.state.held_by_label_studio,
        "before": before[-1] if before else None,
        "kept": list(reversed(page.names)),
        "compared": _compared(page),
        "under_way": _under_way(page),
        "settings": in_force(page),
        "exported": exported(page.files) if page.visitor.may_change else None,
        "changes": Changes(page.files).last(SHOWN_CHANGES),
    }


def _told(page: ProjectPage, kept: set[str]) -> list[Mapping[str, Any]]:
    """Of the last retrains, and of the versions that are kept, the newest first."""
    entries = {entry["version"]: entry for entry in page.past.recent[-SHOWN - 1 :]}
    more = {name: {"version": name, **page.versions.stats(name)} for name in kept - entries.keys()}
    return [each for _, each in sorted({**more, **entries}.items(), reverse=True)]


def _row(
    entry: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    kept: set[str],
    serving: str | None,
    pinned: bool,
) -> Mapping[str, Any]:
    name = entry["version"]
    state = ("pinned" if pinned else "serves") if name == serving else "kept" if name in kept else ""
    _, estimate = estimated_of(entry)
    measured = entry.get("measured")
    score = entry.get("accuracy", next(iter(measured.values()), None) if isinstance(measured, dict) else None)
    return {
        "name": name,
        "state": state,
        "at": entry.get("at") or entry.get("created"),
        "labels": entry.get("trained_on"),
        "score": score,
        "estimate": estimate,
        "strategy": entry.get("strategy", ""),
        "new": new_in(entry, before),
    }


def _compared(page: ProjectPage) -> Mapping[str, Any] | None:
    """Of the versions that the address names as `one` and `other`."""
    names = [page.query.get("one", ""), page.query.get("other", "")]
    if not all(name in page.names for name in names):
        return None
    stats = [page.versions.stats(name) for name in names]
    measures = [
        (name, *(each.get(name) for each in stats))
        for name in ("trained_on", "accuracy", "macro_f1", "waiting")
        if any(name in each for each in stats)
    ]
    classes = [_scores(page, name) for name in names]
    ranked = sorted({*classes[0], *classes[1]}, key=lambda name: _gain(classes, name))
    per_class = [(name, classes[0].get(name), classes[1].get(name)) for name in ranked[:COMPARED_CLASSES]]
    strategies = [each.get("strategy", "") for each in stats]
    return {"names": names, "measures": measures, "classes": per_class, "strategies": strategies}


def _scores(page: ProjectPage, version: str) -> dict[str, float | None]:
    """The main measure of each class of the control that orders the queue."""
    figures = read_figures(page.files, version) or {"controls": []}
    classes = figures["controls"][0]["classes"] if figures["controls"] else []
    return {each["name"]: each.get(main_measure(classes)) for each in classes}


def _gain(classes: list[dict[str, float | None]], name: str) -> float:
    one, other = (each.get(name) for each in classes)
    return (other or 0) - (one or 0)


def _under_way(page: ProjectPage) -> str | None:
    """What is being done, or failed, of what was asked for last."""
    found = job_status(page.redis, f"serve-{page.id}")
    if found is None:
        return None
    if found["status"] in ("queued", "started", "scheduled", "deferred"):
        return "A worker is switching versions."
    error = found.get("error")
    return f"The last switch failed: {error}" if error else None


def pin(page: ProjectPage, form: Mapping[str, str]) -> str:
    name = form.get("version", "")
    if name not in page.names:
        raise AtlasError(f"Version {name or 'that the form names'} is not kept any more; open the page anew.")
    page.dispatcher.request_version(page.id, name)
    return f"The project goes to {name} and stays with it; retrains only add versions."


def unpin(page: ProjectPage, form: Mapping[str, str]) -> str:
    page.dispatcher.request_version(page.id, NEWEST)
    return "The project goes to the newest version, and to each newer one."


def change_settings(page: ProjectPage, form: Mapping[str, str]) -> str:
    before = chosen(page.settings, page.id)
    values = read_form(form)
    changed = {name for name in {*before, *values} if before.get(name) != values.get(name)}
    if not changed:
        return "Nothing was changed."
    choose(page.settings, page.id, values)
    if changed & RETRAINED_FOR:
        page.dispatcher.insist_on_retrain(page.id)
    else:
        page.dispatcher.request_refill(page.id)
    told = [f"{name} {values.get(name, 'as the environment has it')}" for name in sorted(changed)]
    said = f"Settings changed: {', '.join(told)}."
    if "blind" in changed and not settings_of(page.settings, page.id).blind:
        page.dispatcher.request_heed(page.id, Selection(SHOW_GUESSES, by=page.visitor.who))
        said += " Label Studio is told to show annotators the guesses again."
    return said


VERSIONS = Section(
    "versions",
    "Versions and settings",
    context,
    {"pin": pin, "unpin": unpin, "settings": change_settings, "export-labels": request_labels},
    {"history.csv": history, "version.zip": version_archive, "labels.csv": labels},
)
