"""A project's labels, those first that models which never saw them contradict with most confidence."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from backend.controls.config import parse_label_config
from backend.controls.regions import RegionControl
from backend.controls.scheme import LabelScheme
from backend.copies import keys_of
from backend.errors import AtlasError
from backend.jobs.pull import pull
from backend.jobs.taught import labeled
from backend.labelstudio.client import LabelStudioClient
from backend.learning.suspects import FEWEST, Suspected, held_out_probabilities, suspected
from backend.results.collect import load_kept
from backend.results.files import cell, replace
from backend.settings import Settings
from backend.store.paths import project_dir
from backend.store.tasks import StoredTask


@dataclass(frozen=True)
class Suspect:
    """label: as its annotators agree; p_label: how likely it is; instead, p_instead: the likeliest beside it;
    address: of the task's page in Label Studio."""

    task: int
    text: str
    label: list[str]
    p_label: float
    instead: list[str]
    p_instead: float
    address: str


@dataclass(frozen=True)
class Suspects:
    """rows: the most suspected first; judged: how many labels there are of classes with enough of them;
    contradicted: of how many the models would say something else."""

    rows: list[Suspect]
    judged: int
    contradicted: int


def find_suspects(settings: Settings, client: LabelStudioClient, project_id: int, most: int) -> Suspects:
    """Of the control that orders the queue, as the labels are in Label Studio now: at most so many rows.

    Raises AtlasError where there are labels of fewer than two classes, LabelStudioError, LabelConfigError.
    """
    loaded = load_kept(settings, project_id)
    project = client.project(project_id, counted=False)
    scheme = parse_label_config(project.label_config, settings.queue_controls)
    if isinstance(scheme.main, RegionControl):
        raise AtlasError(
            f"{scheme.main.from_name} marks parts; labels of whole contents are judged. Name such a control "
            "in QUEUE_CONTROL, if the project has one."
        )
    tasks = pull(client, project, scheme, project_dir(settings.data_dir, project_id))
    given = [task for task in tasks if task.target is not None]
    scheme = scheme.with_classes({scheme.main.from_name: [task.target for task in given if task.target]})
    vectors = loaded.vectors([task.text for task in given])
    known = vectors.of(given)
    rows, targets = labeled(scheme.main, [task.target for task in known])
    counts = targets.bincount() if len(targets) else targets
    if (counts > 0).sum() < 2 or counts.max() < FEWEST:
        raise AtlasError(
            f"labels of two classes are needed, {FEWEST} of one of them: so few cannot contradict each other"
        )
    words = scheme.source.words_of([known[row].text for row in rows])
    _, together = np.unique(keys_of(words), return_inverse=True)
    found = suspected(
        held_out_probabilities(
            vectors.features[rows].numpy(),
            targets.numpy(),
            len(scheme.main.classes),
            together=together,
            seed=settings.seed,
        ),
        targets.numpy(),
    )
    judged = np.isfinite(found.order)
    page = f"{settings.label_studio_url.rstrip('/')}/projects/{project_id}/data?task="
    listed = [
        _suspect(scheme, known[rows[i]], found, i, page)
        for i in np.argsort(-found.order, kind="stable")[:most].tolist()
        if judged[i]
    ]
    return Suspects(listed, int(judged.sum()), int((judged & (found.other > found.given)).sum()))


def _suspect(scheme: LabelScheme, task: StoredTask, found: Suspected, i: int, page: str) -> Suspect:
    main = scheme.main
    label, other = main.in_words(task.target or ""), main.in_words(main.classes[found.instead[i]])
    given, likelier = round(float(found.given[i]), 4), round(float(found.other[i]), 4)
    return Suspect(task.id, task.text, label, given, other, likelier, f"{page}{task.id}")


def write_suspects(suspects: Suspects, path: Path) -> None:
    """path: its ending, .csv or .json, says which. Raises AtlasError where it cannot be written."""
    kinds: dict[str, Callable[[Suspects, IO[str]], None]] = {".csv": _write_csv, ".json": _write_json}
    replace(path, lambda file: kinds[path.suffix](suspects, file))


def _write_csv(suspects: Suspects, file: IO[str]) -> None:
    writer = csv.writer(file)
    writer.writerow(["task", "text", "label", "p_label", "instead", "p_instead", "address"])
    for row in suspects.rows:
        label, instead = cell(row.label), cell(row.instead)
        writer.writerow([row.task, row.text, label, row.p_label, instead, row.p_instead, row.address])


def _write_json(suspects: Suspects, file: IO[str]) -> None:
    rows = [dict(vars(row)) for row in suspects.rows]
    file.write(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
