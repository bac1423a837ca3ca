"""How well each class is learned, and what is taken for what, by models that never saw the task."""

from __future__ import annotations

import logging
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from backend.controls.base import Answer, Control
from backend.controls.number import Number
from backend.controls.regions import RegionControl
from backend.errors import ModelStoreError
from backend.jobs.learned import AllLearned
from backend.jobs.learners.base import HeldOut, Learned
from backend.settings import Settings
from backend.store.figures import write_figures
from backend.store.locations import project_files

logger = logging.getLogger(__name__)

MOST_CLASSES = 500
MOST_PAIRS = 400
"""Of classes that are taken for each other: the most frequent."""
MOST_TASKS = 200
"""Named of each such pair."""


def keep_figures(settings: Settings, project_id: int, version: str, learned: AllLearned) -> None:
    """For the pages: that they cannot be written is told in the log, the version serves already."""
    found = [figures_of(each) for each in (learned.main, *learned.others)]
    figures = {"controls": [each for each in found if each is not None]}
    if not figures["controls"]:
        return
    try:
        write_figures(project_files(settings, project_id), version, figures)
    except (ModelStoreError, OSError) as error:
        logger.warning("project %d: the figures of %s are not kept: %s", project_id, version, error)


def figures_of(learned: Learned) -> dict[str, Any] | None:
    """`control`, `kind`; `judged`, how many tasks; `classes`, a dictionary each, by falling support, and for
    answers of one class each `confused`: `given`, `said`, how often, and the first of the `tasks`; of marked
    parts `suspects`, see `backend.results.suspected_parts`.

    None where nothing is trained, and of numbers, which have no classes.
    """
    held_out = learned.held_out()
    if held_out is None or isinstance(learned.control, Number):
        return None
    told = {"control": learned.control.from_name, "kind": learned.control.kind, "judged": len(held_out.tasks)}
    if isinstance(learned.control, RegionControl):
        suspected = learned.suspected_parts()
        parts = {} if suspected is None else {"suspects": suspected}
        return {**told, "classes": classes_of_parts(learned.control, held_out), **parts}
    said, given = (_in_words(learned.control, each) for each in (held_out.said, held_out.given))
    found = {**told, "classes": classes_of_items(said, given)}
    if all(len(each) == 1 for each in (*said, *given)):
        found["confused"] = confused(held_out.tasks, [each[0] for each in said], [each[0] for each in given])
    return found


def classes_of_items(said: Sequence[Sequence[str]], given: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """said, given: the classes of each item. Of each class `precision`, `recall`, `f1` (None where there is
    nothing to tell them by) and `support`, the items that were given it."""
    both, ours, theirs = Counter[str](), Counter[str](), Counter[str]()
    for one, other in zip(said, given, strict=True):
        ours.update(set(one))
        theirs.update(set(other))
        both.update(set(one) & set(other))
    found = [_told(name, both[name], ours[name], theirs[name]) for name in {*ours, *theirs}]
    return sorted(found, key=lambda each: (-each["support"], each["name"]))[:MOST_CLASSES]


def classes_of_parts(control: RegionControl, held_out: HeldOut) -> list[dict[str, Any]]:
    """Of each label the control's own measures, under their names, and `support`, the parts that have it."""
    supports = Counter(label for answer in held_out.given for label in control.labels_in(answer))
    found = []
    for label, support in supports.most_common(MOST_CLASSES):
        said, given = ([control.only(each, label) for each in answers] for answers in held_out[1:])
        measures = control.score(said, given)
        told = {name: None if math.isnan(each) else round(each, 4) for name, each in measures.items()}
        found.append({"name": label, "support": support, **told})
    return found


def confused(tasks: Sequence[int], said: Sequence[str], given: Sequence[str]) -> list[dict[str, Any]]:
    """What was taken for what, the most frequent first."""
    pairs: dict[tuple[str, str], list[int]] = defaultdict(list)
    for task, one, other in zip(tasks, said, given, strict=True):
        if one != other:
            pairs[other, one].append(task)
    ranked = sorted(pairs.items(), key=lambda each: (-len(each[1]), each[0]))[:MOST_PAIRS]
    return [
        {"given": truth, "said": other, "count": len(found), "tasks": found[:MOST_TASKS]}
        for (truth, other), found in ranked
    ]


def _told(name: str, both: int, ours: int, theirs: int) -> dict[str, Any]:
    return {
        "name": name,
        "support": theirs,
        "precision": round(both / ours, 4) if ours else None,
        "recall": round(both / theirs, 4) if theirs else None,
        "f1": round(2 * both / (ours + theirs), 4) if ours + theirs else None,
        "right": both,
    }


def _in_words(control: Control, answers: Sequence[Answer]) -> list[list[str]]:
    return [control.in_words(answer) for answer in answers]
