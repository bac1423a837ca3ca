"""Adapt the layers of the encoder to a project's labels: after a retrain, behind everything else.

It takes no lock, and publishes nothing: what it makes is saved whole, then named, and the next version, for
which it asks, answers by it. Verdicts stay on the encoder's own vectors, and so does the order unless RANK_ON
says else.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from redis import Redis

from backend.controls.spans import Spans
from backend.errors import DamagedFile
from backend.jobs.dispatch import Dispatcher
from backend.jobs.job_settings import job_settings
from backend.jobs.stepping_aside import OutOfTime, Overtaken, StepAside
from backend.jobs.tuning import Tuning, WholeTuning
from backend.jobs.tuning_due import VIEWED, depth_of, encoder_for, for_what
from backend.jobs.tuning_material import NoLayers, NothingToDo, TuningMaterial
from backend.jobs.tuning_spans import span_tuning
from backend.jobs.tuning_views import views_maker
from backend.learning.adapted_or_not import FOLDS
from backend.learning.fine_tuning import EPOCHS, STEP
from backend.settings import Settings
from backend.store.adapted_models import AdaptedModel, AdaptedModels, Attempt
from backend.store.adapted_views import KeptViews
from backend.store.locations import adapted_models, adapted_views, version_store
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
        self._views = adapted_views(settings, project_id)
        self._aside = StepAside(redis, settings.fine_tune_within, self._outdated)
        self._what = ""

    def run(self) -> Attempt:
        """Raises Overtaken where something else comes first."""
        began = time.monotonic()
        version = self._published()
        labels = int(version.stats.get("trained_on") or 0)  # not those of a sample: by it the next is due
        read = version.encoder, version.unit_encoder
        self._what = for_what(self._settings, version.scheme, *read)
        try:
            tuning = self._tuning(version)
            found, made = tuning.run(self._aside.each_of(_steps(len(tuning))))
        except NoLayers as reason:
            return self._ended(labels, str(reason), None, {})
        except OutOfTime as reason:
            return self._ended(labels, str(reason), None, {})
        depth = str(depth_of(self._settings, version.scheme.main))
        named = depth, version.scheme.main.from_name, encoder_for(version.scheme, *read)
        model = None if made is None else AdaptedModel(made.blocks, made.network, *named)
        views = None if made is None else made.views
        digest = None if model is None else self._save(model, views)
        told = {
            "layers": depth,
            "labels": len(tuning),
            "measure": tuning.measure,
            "frozen": round(found.frozen, 4),
            "adapted": round(found.adapted, 4),
            "error": round(found.error, 4),
            "minutes": round((time.monotonic() - began) / 60, 2),
        }
        if views is not None:
            told[VIEWED] = len(views.digests)
        attempt = self._ended(labels, _in_words(told, better=made is not None), digest, told)
        if model is not None and digest is not None and not self._is_kept(digest, views):
            self._save(model, views)  # a retrain cleared it away, as nothing named it yet
        return attempt

    def _tuning(self, version: ModelVersion) -> Tuning:
        settings, look = self._settings, self._aside.look
        if isinstance(version.scheme.main, Spans):
            return span_tuning(settings, self._id, version, look)
        gathered = TuningMaterial(settings, self._id, look).of(version)
        see = views_maker(settings, self._id, version, gathered, look)
        return WholeTuning(gathered.material, gathered.together, settings.seed, settings.device, see)

    def _save(self, model: AdaptedModel, views: KeptViews | None) -> str:
        """Returns the model's digest. What it sees is found by that, once the attempt names it."""
        digest = self._models.save(model)
        if views is not None:
            self._views.save(digest, views)
        return digest

    def _is_kept(self, digest: str, views: KeptViews | None) -> bool:
        return self._models.is_kept(digest) and (views is None or self._views.is_kept(digest))

    def _ended(self, labels: int, said: str, digest: str | None, told: dict[str, Any]) -> Attempt:
        attempt = Attempt(self._what, labels, said, digest, {**told, "digest": digest})
        self._models.note(attempt)
        return attempt

    def _outdated(self) -> str | None:
        """Why nobody could use the outcome any more."""
        name = self._versions.published()
        scheme = None if name is None else self._versions.scheme(name)
        encoder = None if name is None else self._versions.encoder(name)
        if name is None or scheme is None or encoder is None:
            return "no version is published any more"
        if for_what(self._settings, scheme, encoder, self._versions.unit_encoder(name)) != self._what:
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
        f"{told['measure']} {told['adapted']:.1%}, before {told['frozen']:.1%} "
        f"({100 * gain:+.1f} ± {100 * told['error']:.1f} points)"
    )
    took = f"{told['labels']} labels, {told['minutes']:.1f} minutes"
    if better:
        return f"{layers} adapted: {seen}; {took}; guesses come from them"
    return f"{layers} adapted to no avail: {seen}; {took}; guesses stay as they are"
