"""Adapt the layers of the encoder to a project's labels: after a retrain, behind everything else.

It takes no lock, and publishes nothing: what it makes is saved whole, then named, and the next version, for
which it asks, answers by it. Ranking and verdicts stay on the encoder's own vectors.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import torch
from redis import Redis

from backend.errors import DamagedFile
from backend.jobs.dispatch import Dispatcher
from backend.jobs.job_settings import job_settings
from backend.jobs.stepping_aside import OutOfTime, Overtaken, StepAside
from backend.jobs.tuning_due import for_what
from backend.jobs.tuning_material import NothingToDo, TuningMaterial
from backend.learning.adapted_or_not import FOLDS, Compared, compare
from backend.learning.fine_tuning import EPOCHS, STEP, Material, fitted
from backend.learning.fine_tuning import fine_tune as train_layers
from backend.settings import Settings
from backend.store.adapted_models import AdaptedModel, AdaptedModels, Attempt
from backend.store.locations import adapted_models, version_store
from backend.store.model_version import ModelVersion

logger = logging.getLogger(__name__)


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
        except (DamagedFile, NothingToDo) as reason:
            logger.info("no layers are adapted: %s", reason)
            return {"said": str(reason)}
        if attempt.digest is not None:
            Dispatcher(redis, settings).demand_retrain(project_id)
    logger.info("%s", attempt.said)
    return {"said": attempt.said, **attempt.told}


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
        material, together = TuningMaterial(self._settings, self._id, self._aside.look).of(version)
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
            raise NothingToDo("no version is published")
        return self._versions.load(name)


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
