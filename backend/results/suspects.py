"""A project's labels, those first that models which never saw them contradict with most confidence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend.controls.config import parse_label_config
from backend.controls.regions import RegionControl
from backend.errors import AtlasError
from backend.jobs.pull import pull
from backend.labelstudio.client import LabelStudioClient
from backend.learning.suspects import Ints, Suspected, held_out_probabilities, suspected
from backend.results.collect import load_kept
from backend.results.files import cell
from backend.results.held_out import Labels, labels_of, page_of
from backend.results.listed import write_list
from backend.results.suspected_parts import labels_judged, still_there, where
from backend.settings import Settings
from backend.store.figures import read_figures
from backend.store.locations import project_files
from backend.store.model_version import ModelVersion
from backend.store.paths import project_dir


@dataclass(frozen=True)
class Suspect:
    """label: as its annotators agree; p_label: how likely it is; instead, p_instead: the likeliest beside it;
    address: of the task's page in Label Studio; place: of a marked part, start and end in code points, or x,
    y, width and height in percent; () of a whole content; answer: a digest of the task's, of parts alone."""

    task: int
    text: str
    label: list[str]
    p_label: float
    instead: list[str]
    p_instead: float
    address: str
    place: tuple[float, ...] = ()
    answer: str = ""


@dataclass(frozen=True)
class Suspects:
    """rows: the most suspected first; judged: how many labels there are of classes with enough of them;
    contradicted: of how many the models would say something else. Parts that nobody marked are among the rows
    and in neither number. by_lot: how many labels drawn by lot would contradict; None of parts."""

    rows: list[Suspect]
    judged: int
    contradicted: int
    by_lot: int | None = None


def find_suspects(settings: Settings, client: LabelStudioClient, project_id: int, most: int) -> Suspects:
    """Of the control that orders the queue, as the labels are in Label Studio now: at most so many rows. Of
    marked parts those that the newest version found, and whose task has the same parts yet.

    Raises as `labels_of`, and AtlasError where the newest version sought none among its parts yet.
    """
    version = load_kept(settings, project_id).version
    parts = _parts(settings, project_id, version)
    if parts is not None:
        return _of_parts(settings, client, project_id, version, parts, most)
    if isinstance(version.scheme.main, RegionControl):
        name = version.scheme.main.from_name
        raise AtlasError(f"labels of {name} that look wrong are looked for with the next retrain")
    labels = labels_of(settings, client, project_id)
    likely = held_out_probabilities(
        labels.features,
        labels.targets,
        len(labels.scheme.main.classes),
        together=labels.together,
        seed=settings.seed,
    )
    found = suspected(likely, labels.targets)
    judged = np.isfinite(found.order)
    listed = [
        _suspect(labels, found, i, page_of(settings, project_id, labels.tasks[labels.rows[i]].id))
        for i in np.argsort(-found.order, kind="stable")[:most].tolist()
        if judged[i]
    ]
    contradicted = int((judged & (found.other > found.given)).sum())
    return Suspects(listed, int(judged.sum()), contradicted, by_lot(labels.targets[judged]))


def by_lot(targets: Ints) -> int:
    """How many of these classes would be others, were they dealt out anew."""
    shares = np.bincount(targets) / max(len(targets), 1)
    return round(len(targets) * (1 - float((shares**2).sum())))


def _parts(settings: Settings, project_id: int, version: ModelVersion) -> dict[str, Any] | None:
    """What was suspected when a version was made; None where it sought none."""
    figures = read_figures(project_files(settings, project_id), version.name) or {"controls": []}
    name = version.scheme.main.from_name
    mine = (each for each in figures["controls"] if each["control"] == name)
    return next((each.get("suspects") for each in mine), None)


def _of_parts(
    settings: Settings,
    client: LabelStudioClient,
    project_id: int,
    version: ModelVersion,
    parts: dict[str, Any],
    most: int,
) -> Suspects:
    project = client.project(project_id, counted=False)
    scheme = parse_label_config(project.label_config, settings.queue_controls)
    control = scheme.main
    if not isinstance(control, RegionControl) or not scheme.fits(version.scheme):
        raise AtlasError(
            f"the label config is another than that of {version.name}: wait for the next retrain"
        )
    pulled = pull(client, project, scheme, project_dir(settings.data_dir, project_id))
    tasks = {task.id: task for task in pulled}
    rows = [
        Suspect(
            each["task"],
            where(each, control, tasks[each["task"]]),
            [each["label"]] if each["label"] else [],
            each["p_label"],
            [each["instead"]] if each["instead"] else [],
            each["p_instead"],
            page_of(settings, project_id, each["task"]),
            tuple(each["place"]),
            each["answer"],
        )
        for each in parts["rows"]
        if still_there(each, tasks.get(each["task"]))
    ]
    mended = sum(each["label"] is not None for each in parts["rows"]) - sum(bool(row.label) for row in rows)
    return Suspects(rows[:most], labels_judged(control, pulled), parts["contradicted"] - mended)


def _suspect(labels: Labels, found: Suspected, i: int, page: str) -> Suspect:
    main, task = labels.scheme.main, labels.tasks[labels.rows[i]]
    label, other = main.in_words(task.target or ""), main.in_words(main.classes[found.instead[i]])
    given, likelier = round(float(found.given[i]), 4), round(float(found.other[i]), 4)
    return Suspect(task.id, task.text, label, given, other, likelier, page)


def write_suspects(suspects: Suspects, path: Path) -> None:
    """path: its ending, .csv or .json, says which. Raises AtlasError where it cannot be written."""
    columns = ["task", "text", "label", "p_label", "instead", "p_instead", "address"]
    lines = (
        (row.task, row.text, cell(row.label), row.p_label, cell(row.instead), row.p_instead, row.address)
        for row in suspects.rows
    )
    rows = ({name: value for name, value in asdict(row).items() if name != "answer"} for row in suspects.rows)
    write_list(path, columns, lines, rows)
