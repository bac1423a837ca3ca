"""A project's labels, those first that models which never saw them contradict with most confidence."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from backend.controls.config import parse_label_config
from backend.controls.scheme import LabelScheme
from backend.errors import AtlasError
from backend.jobs.pull import pull
from backend.jobs.taught import labeled
from backend.labelstudio.client import LabelStudioClient
from backend.learning.suspects import held_out_probabilities, suspected
from backend.results.collect import load_kept
from backend.results.files import cell, replace
from backend.settings import Settings
from backend.store.paths import project_dir
from backend.store.tasks import StoredTask


@dataclass(frozen=True)
class Suspect:
    """label: as its annotators agree; instead: what the models say; both in words. doubt: how much likelier
    they find that than the label, in [-1, 1]; address: of the task's page in Label Studio."""

    task: int
    text: str
    label: list[str]
    instead: list[str]
    doubt: float
    address: str


@dataclass(frozen=True)
class Suspects:
    """rows: the most suspected first; labels: how many there are; contradicted: of how many the models would
    say something else."""

    rows: list[Suspect]
    labels: int
    contradicted: int


def find_suspects(settings: Settings, client: LabelStudioClient, project_id: int, most: int) -> Suspects:
    """Of the control that orders the queue, as the labels are in Label Studio now: at most so many rows.

    Raises AtlasError where there are labels of fewer than two classes, LabelStudioError, LabelConfigError.
    """
    loaded = load_kept(settings, project_id)
    project = client.project(project_id, counted=False)
    scheme = parse_label_config(project.label_config, settings.queue_controls)
    tasks = pull(client, project, scheme, project_dir(settings.data_dir, project_id))
    given = [task for task in tasks if task.target is not None]
    scheme = scheme.with_classes({scheme.main.from_name: [task.target for task in given if task.target]})
    vectors = loaded.vectors([task.text for task in given])
    known = vectors.of(given)
    rows, targets = labeled(scheme.main, [task.target for task in known])
    if len(targets.unique()) < 2:
        raise AtlasError("labels of two classes are needed: one class cannot contradict itself")
    likely = held_out_probabilities(
        vectors.features[rows],
        targets,
        len(scheme.main.classes),
        folds=settings.folds,
        seed=settings.seed,
        device=settings.device,
    )
    found = suspected(likely, targets)
    order = found.doubts.argsort(descending=True, stable=True)[:most].tolist()
    doubts, instead = found.doubts.tolist(), found.instead.tolist()
    page = f"{settings.label_studio_url.rstrip('/')}/projects/{project_id}/data?task="
    listed = [_suspect(scheme, known[rows[i]], instead[i], doubts[i], page) for i in order]
    return Suspects(listed, len(rows), int((found.doubts > 0).sum()))


def _suspect(scheme: LabelScheme, task: StoredTask, instead: int, doubt: float, page: str) -> Suspect:
    main = scheme.main
    label, other = main.in_words(task.target or ""), main.in_words(main.classes[instead])
    return Suspect(task.id, task.text, label, other, round(doubt, 4), f"{page}{task.id}")


def write_suspects(suspects: Suspects, path: Path) -> None:
    """path: its ending, .csv or .json, says which. Raises AtlasError where it cannot be written."""
    kinds: dict[str, Callable[[Suspects, IO[str]], None]] = {".csv": _write_csv, ".json": _write_json}
    replace(path, lambda file: kinds[path.suffix](suspects, file))


def _write_csv(suspects: Suspects, file: IO[str]) -> None:
    writer = csv.writer(file)
    writer.writerow(["task", "text", "label", "instead", "doubt", "address"])
    for row in suspects.rows:
        writer.writerow([row.task, row.text, cell(row.label), cell(row.instead), row.doubt, row.address])


def _write_json(suspects: Suspects, file: IO[str]) -> None:
    rows = [dict(vars(row)) for row in suspects.rows]
    file.write(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
