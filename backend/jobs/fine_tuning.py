"""Adapt the layers of the encoder to a project's labels: after a retrain, behind everything else.

It takes no lock, and publishes nothing: what it makes is saved whole, then named, and the next version, for
which it asks, answers by it. Ranking and verdicts stay on the encoder's own vectors.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from redis import Redis
from torch import Tensor

from backend.controls.config import parse_label_config
from backend.copies import copies_among, keys_of
from backend.encoders.backbones import DEPTHS, Adaptable, adaptable
from backend.encoders.base import Encoder, encoded
from backend.errors import AtlasError, DamagedFile
from backend.jobs.dispatch import Dispatcher
from backend.jobs.job_settings import job_settings
from backend.jobs.pull import last_pulled, pull
from backend.jobs.stepping_aside import OutOfTime, Overtaken, StepAside
from backend.jobs.taught import labeled
from backend.jobs.tuning_due import for_what
from backend.labelstudio.client import LabelStudioClient
from backend.learning.adapted_or_not import FOLDS, MIN_ITEMS, Compared, compare
from backend.learning.fine_tuning import EPOCHS, STEP, Material, fitted
from backend.learning.fine_tuning import fine_tune as train_layers
from backend.settings import Settings
from backend.store.adapted_models import AdaptedModel, AdaptedModels, Attempt
from backend.store.locations import adapted_models, feature_cache, version_store
from backend.store.model_version import ModelVersion
from backend.store.paths import project_dir
from backend.store.tasks import StoredTask

logger = logging.getLogger(__name__)

NUMBERS = 100_000_000
"""What is kept of the labelled items for the last layers, 0.4 GB; of more a sample is learned from."""
PIECE = 32
"""Texts that are encoded at once."""


def fine_tune(project_id: int) -> dict[str, Any]:
    """The RQ job. Returns what was done, as JSON: `said` in words, and `overtaken` where it made room."""
    settings = job_settings()
    with Redis.from_url(settings.redis_url) as redis:
        work = FineTuning(settings, redis, project_id)
        try:
            attempt = work.run()
        except Overtaken as reason:
            logger.info("adapting layers ends: %s; it is begun anew after that", reason)
            return {"said": f"not ended: {reason}", "overtaken": True}
        except (DamagedFile, _NothingToDo) as reason:
            logger.info("no layers are adapted: %s", reason)
            return {"said": str(reason)}
        if attempt.digest is not None:
            Dispatcher(redis, settings).demand_retrain(project_id)
    logger.info("%s", attempt.said)
    return {"said": attempt.said, **attempt.told}


class _NothingToDo(AtlasError):
    """There is nothing to adapt, or nothing to adapt it to."""


class FineTuning:
    """One fine-tuning of one project."""

    def __init__(self, settings: Settings, redis: Redis, project_id: int):
        self._settings = settings
        self._id = project_id
        self._versions = version_store(settings, project_id)
        self._models: AdaptedModels = adapted_models(settings, project_id)
        self._aside = StepAside(redis, settings.fine_tune_within, self._outdated)
        self._what = ""

    def run(self) -> Attempt:
        """Raises Overtaken where something else comes first."""
        began = time.monotonic()
        version = self._published()
        self._what = for_what(self._settings, version.scheme, version.encoder)
        material, together = self._prepared(version)
        step_done = self._aside.each_of(_steps(len(material)))
        seed, device = self._settings.seed, self._settings.device
        try:
            found = compare(material, together, seed=seed, device=device, step_done=step_done)
            model = self._made(version, material, found, step_done) if found.is_better else None
        except OutOfTime as reason:
            return self._ended(len(material), str(reason), None, {})
        digest = None if model is None else self._models.save(model)
        told = {
            "layers": self._settings.fine_tune,
            "labels": len(material),
            "frozen": round(found.frozen, 4),
            "adapted": round(found.adapted, 4),
            "error": round(found.error, 4),
            "minutes": round((time.monotonic() - began) / 60, 2),
        }
        return self._ended(len(material), _in_words(told, better=model is not None), digest, told)

    def _ended(self, labels: int, said: str, digest: str | None, told: dict[str, Any]) -> Attempt:
        attempt = Attempt(self._what, labels, said, digest, {**told, "digest": digest})
        self._models.note(attempt)
        return attempt

    def _made(
        self, version: ModelVersion, material: Material, found: Compared, step_done: Callable[[], None]
    ) -> AdaptedModel:
        """By all labels, and as sure of itself as the held-out items allow."""
        every, seed, device = torch.arange(len(material)), self._settings.seed, self._settings.device
        start = fitted(material, every, seed=seed, device=device)
        made = train_layers(material, every, start, seed=seed, device=device, step_done=step_done)
        network = made.network.cpu()
        network.cool(found.temperature)
        weights = {name: value.cpu() for name, value in made.blocks.state_dict().items()}
        control = version.scheme.main.from_name
        return AdaptedModel(weights, network, self._settings.fine_tune, control, version.encoder)

    def _outdated(self) -> str | None:
        """Why nobody could use the outcome any more."""
        name = self._versions.published()
        scheme = None if name is None else self._versions.scheme(name)
        encoder = None if name is None else self._versions.encoder(name)
        if scheme is None or encoder is None:
            return "no version is published any more"
        if for_what(self._settings, scheme, encoder) != self._what:
            return f"{name}, published meanwhile, answers another question or has another encoder"
        return None

    def _published(self) -> ModelVersion:
        name = self._versions.published()
        if name is None:
            raise _NothingToDo("no version is published")
        return self._versions.load(name)

    def _prepared(self, version: ModelVersion) -> tuple[Material, Tensor]:
        """Of the labelled tasks; and which of them must be in one fold: int64 [M]."""
        encoder, part = self._adaptable(version)
        control = version.scheme.main
        tasks = self._tasks(version)
        rows, targets = labeled(control, [task.target for task in tasks])
        if len(rows) < MIN_ITEMS or len(targets.unique()) < 2:
            raise _NothingToDo(f"{len(rows)} labels are too few, or of one class")
        texts = [tasks[i].text for i in rows]
        some = sample(part.backbone.sizes(texts), NUMBERS, self._settings.seed)
        texts, targets = [texts[i] for i in some.tolist()], targets[some]
        features = self._features(encoder, texts)
        own, waits = targets.numpy(), np.zeros(len(texts), np.bool_)
        group = copies_among(texts, keys_of(texts), features, own, waits).group
        material = Material(
            features=features,
            inputs=part.backbone.inputs(texts, self._aside.look),
            blocks=part.backbone.blocks(),
            start=part.start,
            targets=control.shown_targets(targets),
            n_classes=len(control.choices),
        )
        return material, torch.from_numpy(group)

    def _adaptable(self, version: ModelVersion) -> tuple[Encoder, Adaptable]:
        if version.scheme.source.is_fetched:
            raise _NothingToDo("of images only the vectors are kept: there is nothing to adapt layers to")
        cache = feature_cache(self._settings, self._id, version.scheme.source.about)
        encoder, depth = cache.encoder(version.encoder), DEPTHS.get(self._settings.fine_tune)
        part = None if depth is None else adaptable(encoder, depth)
        if part is None:
            kind = version.encoder.split("-")[0]
            raise _NothingToDo(f"FINE_TUNE={self._settings.fine_tune}, encoder {kind}: no layers to adapt")
        return encoder, part

    def _features(self, encoder: Encoder, texts: list[str]) -> Tensor:
        found = []
        for at in range(0, len(texts), PIECE):
            found.append(encoded(encoder, texts[at : at + PIECE]))
            self._aside.look()
        return torch.cat(found).clone()  # what inference mode made cannot be trained on

    def _tasks(self, version: ModelVersion) -> list[StoredTask]:
        """As a retrain left them; read from Label Studio where that was on another machine."""
        directory = project_dir(self._settings.data_dir, self._id)
        tasks = last_pulled(directory)
        if len(tasks) >= version.stats["tasks"]:
            return tasks
        client = LabelStudioClient.from_settings(self._settings)
        project = client.project(self._id, counted=False)
        scheme = parse_label_config(project.label_config, self._settings.queue_control)
        return pull(client, project, scheme, directory)


def sample(sizes: list[int], most: int, seed: int) -> Tensor:
    """Which items to learn from, rising: all, or as many at random as hold no more than `most` numbers."""
    order = torch.randperm(len(sizes), generator=torch.Generator().manual_seed(seed))
    fits = torch.tensor(sizes)[order].cumsum(0) <= most
    return order[fits].sort().values


def _steps(labels: int) -> int:
    """Of all folds, and of all labels."""
    of_fold = -(-(labels * (FOLDS - 1)) // (FOLDS * STEP))
    return EPOCHS * (-(-labels // STEP) + FOLDS * of_fold)


def _in_words(told: dict[str, Any], *, better: bool) -> str:
    layers = {"last": "the encoder's last layers", "all": "all layers of the encoder"}[told["layers"]]
    gain = told["adapted"] - told["frozen"]
    seen = (
        f"right on held-out items {told['adapted']:.1%}, before {told['frozen']:.1%} "
        f"({100 * gain:+.1f} ± {100 * told['error']:.1f} points)"
    )
    took = f"{told['labels']} labels, {told['minutes']:.1f} minutes"
    if better:
        return f"{layers} adapted: {seen}; {took}; guesses come from them"
    return f"{layers} adapted to no avail: {seen}; {took}; guesses stay as they are"
