"""Every task of a project with its label, as its annotators agree, and what the model says of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backend.controls.any_config import parse_any_config
from backend.controls.base import Control, Region, regions_named
from backend.controls.impossible import possible
from backend.controls.regions import RegionControl
from backend.errors import AtlasError
from backend.guessing import outputs_of, regions
from backend.jobs.pull import pull
from backend.labelstudio.client import LabelStudioClient
from backend.learning.wrapped import WrappedModel
from backend.loaded import Loaded, load_version
from backend.said.base import Contents
from backend.settings import Settings
from backend.store.locations import project_files, version_store
from backend.store.model_version import ModelVersion
from backend.store.paths import project_dir
from backend.store.tasks import StoredTask
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapped.prediction import WrappedPrediction

BATCH = 2000
"""Texts encoded at once."""


@dataclass(frozen=True)
class Guess:
    """A model's answer for one control: the choices, none where it is "none of them", and how likely they
    are right, in [0, 1]."""

    choices: list[str]
    confidence: float


@dataclass(frozen=True)
class Result:
    """One task. labels: by control, the choices that its annotators agree on, a control left out where they
    do not or nobody has said; guesses: by control; regions: the guesses as Label Studio stores them."""

    task: int
    text: str
    waits: bool
    labels: dict[str, list[str]]
    guesses: dict[str, Guess]
    regions: list[dict[str, Any]]


@dataclass(frozen=True)
class Results:
    """Of one model version; controls: the names of those that it knows, the queue's first."""

    project: int
    version: str
    controls: list[str]
    rows: Iterator[Result]
    count: int


def collect(
    settings: Settings, client: LabelStudioClient, project_id: int, version: str | None = None
) -> Results:
    """As they are in Label Studio now. version: one of the kept ones, None for the published one.

    Every guess is there, also one that is not shown to annotators. Raises AtlasError where there is no such
    version, or none with a model, or it was trained for another label config.
    """
    loaded = load_kept(settings, project_id, version)
    project = client.project(project_id, counted=False)
    scheme = parse_any_config(project.label_config, settings.queue_controls)
    if not scheme.fits(loaded.version.scheme):
        raise AtlasError(
            f"{loaded.version.name} was trained for another label config: its classes may be gone. "
            "The next retrain makes a version for the present one."
        )
    tasks = pull(client, project, scheme, project_dir(settings.data_dir, project_id))
    names = [model.control.from_name for model in loaded.version.models]
    found = _results(settings, project_id, loaded, tasks)
    return Results(project_id, loaded.version.name, names, found, len(tasks))


def load_kept(settings: Settings, project_id: int, version: str | None = None) -> Loaded:
    """A kept version with a model, None for the published one. Raises AtlasError where there is none."""
    store = version_store(settings, project_id)
    name = version or store.published()
    if name is None or name not in store.names():
        raise AtlasError(
            f"project {project_id} has no version {name or 'published yet'}; "
            f"kept are: {', '.join(store.names()) or 'none'}"
        )
    loaded = load_version(settings, project_id, name)
    if loaded.version.network is None:
        raise AtlasError(f"{name} has no model yet: labels of two classes are needed first")
    return loaded


def _results(
    settings: Settings, project_id: int, loaded: Loaded, tasks: Sequence[StoredTask]
) -> Iterator[Result]:
    wraps = isinstance(loaded.version.network, WrappedModel)
    kept = WrappedPredictions(project_files(settings, project_id))
    for start in range(0, len(tasks), BATCH):
        batch = tasks[start : start + BATCH]
        vectors = loaded.vectors([task.text for task in batch])
        there = vectors.of(batch)
        values, offered = [task.text for task in there], [task.offered for task in there]
        said = outputs_of(loaded.version, Contents(values, vectors.features, offered, vectors.units))
        theirs = kept.newest(task.id for task in batch) if wraps else {}
        guesses = iter(regions(loaded.version, said, len(vectors.features)))
        for task, has in zip(batch, vectors.has.tolist(), strict=True):
            own, answer = next(guesses) if has else [], theirs.get(task.id)
            yield _result(loaded.version, task, own if answer is None else _with_scores(answer))


def _with_scores(said: WrappedPrediction) -> list[Region]:
    """Regions of a wrapped backend's, each as sure as it says of itself, or of the whole."""
    regions = (region for region in said.result if "value" in region)
    return [{**region, "score": region.get("score", said.score or 0.0)} for region in regions]


def _result(version: ModelVersion, task: StoredTask, found: list[Region]) -> Result:
    shown = possible(version.scheme, found, task.offered)
    controls = [model.control for model in version.models]
    guesses = {
        control.from_name: Guess(_words(control, regions, task.text), round(_least_sure(regions), 4))
        for control in controls
        if (regions := regions_named(shown, control.from_name))
    }
    labels = labels_of(task, version.scheme.main, controls)
    return Result(task.id, task.text, task.waits, labels, guesses, shown)


def _words(control: Control, regions: list[Region], content: str) -> list[str]:
    """What regions of one control, at least one, say together."""
    answer = control.read(regions, content) if isinstance(control, RegionControl) else None
    return control.said_in(regions[0]) if answer is None else control.in_words(answer)


def _least_sure(regions: list[Region]) -> float:
    return min(float(region["score"]) for region in regions)


def labels_of(task: StoredTask, main: Control, controls: Iterable[Control]) -> dict[str, list[str]]:
    """By control, in words; one left out on which nobody has said anything, or the annotators disagree.

    main: the control that orders the queue, of the controls that are asked for or not.
    """
    given = {main.from_name: task.target, **task.others}
    found = ((control, given.get(control.from_name)) for control in controls)
    return {control.from_name: control.in_words(answer) for control, answer in found if answer is not None}
