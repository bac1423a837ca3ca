"""What a project's layers are adapted to: its labelled tasks, as far as their contents are at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from backend.adapted_contents import Contents, contents_of
from backend.controls.config import parse_label_config
from backend.copies import copies_among, keys_of
from backend.encoders.backbones import Adaptable, Backbone, adaptable
from backend.errors import AtlasError, DamagedFile
from backend.jobs.pull import last_pulled, pull
from backend.jobs.taught import labeled
from backend.jobs.tuning_due import depth_of
from backend.labelstudio.client import LabelStudioClient
from backend.learning.adapted_or_not import MIN_ITEMS
from backend.learning.fine_tuning import Material
from backend.settings import Settings
from backend.store.model_version import ModelVersion
from backend.store.paths import project_dir
from backend.store.tasks import StoredTask

NUMBERS = 100_000_000
"""What is kept of the labelled items for the last layers, 0.4 GB; of more a sample is learned from."""
PIECE = 32
"""Contents that are encoded at once."""


class NothingToDo(AtlasError):
    """There is nothing to adapt, or nothing to adapt it to."""


class NoLayers(NothingToDo):
    """The encoder has none that could be adapted."""


class Gathered(NamedTuple):
    """together: int64 [M], which of the items must be in one fold; values: what stands in their tasks;
    backbone: of the encoder; contents: by which values are read."""

    material: Material
    together: Tensor
    values: Sequence[str]
    backbone: Backbone
    contents: Contents


class TuningMaterial:
    """Of one project. look: is called now and then; what it raises ends it."""

    def __init__(self, settings: Settings, project_id: int, look: Callable[[], None]):
        self._settings = settings
        self._id = project_id
        self._look = look

    def of(self, version: ModelVersion) -> Gathered:
        """Raises NothingToDo."""
        contents = contents_of(self._settings, self._id, version)
        part = self._adaptable(contents, version)
        values, targets = self._labelled(version)
        read = contents.read(values)
        there = [i for i, content in enumerate(read) if content is not None]
        control, backbone = version.scheme.main, part.backbone
        _refuse_few(targets[there])
        some = sample(backbone.sizes([read[i] for i in there]), NUMBERS, self._settings.seed)
        chosen = [there[i] for i in some.tolist()]
        values, targets = [values[i] for i in chosen], targets[chosen]
        features = self._features(contents, values)
        own, waits = targets.numpy(), np.zeros(len(values), np.bool_)
        words = control.source.words_of(values)
        group = copies_among(words, keys_of(words), features, own, waits).group
        material = Material(
            features=features,
            inputs=backbone.inputs([read[i] for i in chosen], self._look),
            blocks=backbone.blocks(),
            start=part.start,
            targets=control.shown_targets(targets),
            n_classes=len(control.choices),
        )
        return Gathered(material, torch.from_numpy(group), values, backbone, contents)

    def _adaptable(self, contents: Contents, version: ModelVersion) -> Adaptable:
        depth = depth_of(self._settings, version.scheme.main)
        try:
            part = None if depth is None else adaptable(contents.encoder, depth)
        except ValueError as error:  # its weights are not here
            raise DamagedFile(str(error)) from error
        if part is None:
            raise no_layers(self._settings, version.encoder)
        return part

    def _labelled(self, version: ModelVersion) -> tuple[list[str], Tensor]:
        """What stands in the labelled tasks, and their classes: int64 [M]."""
        tasks = tasks_of(self._settings, self._id, version)
        rows, targets = labeled(version.scheme.main, [task.target for task in tasks])
        return [tasks[i].text for i in rows], targets

    def _features(self, contents: Contents, values: Sequence[str]) -> Tensor:
        found = []
        for at in range(0, len(values), PIECE):
            found.append(contents.features(values[at : at + PIECE]))
            self._look()
        return torch.cat(found).float().clone()  # what inference mode made cannot be trained on


def tasks_of(settings: Settings, project_id: int, version: ModelVersion) -> list[StoredTask]:
    """As a retrain left them; read from Label Studio where that was on another machine."""
    directory = project_dir(settings.data_dir, project_id)
    tasks = last_pulled(directory)
    if len(tasks) >= version.stats["tasks"]:
        return tasks
    with LabelStudioClient.from_settings(settings) as client:
        project = client.project(project_id, counted=False)
        scheme = parse_label_config(project.label_config, settings.queue_controls)
        return pull(client, project, scheme, directory)


def no_layers(settings: Settings, encoder: str) -> NoLayers:
    kind = encoder.split("-")[0]
    return NoLayers(f"FINE_TUNE={settings.fine_tune}, encoder {kind}: no layers to adapt")


def sample(sizes: list[int], most: int, seed: int) -> Tensor:
    """Which items to learn from, rising: all, or as many at random as hold no more than `most` numbers."""
    order = torch.randperm(len(sizes), generator=torch.Generator().manual_seed(seed))
    fits = torch.tensor(sizes)[order].cumsum(0) <= most
    return order[fits].sort().values


def _refuse_few(targets: Tensor) -> None:
    if len(targets) < MIN_ITEMS or len(targets.unique()) < 2:
        raise NothingToDo(f"{len(targets)} labels are too few, or of one class")
