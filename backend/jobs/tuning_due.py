"""Whether a project's fine-tuning is due, and which adapted model a new version answers by."""

from __future__ import annotations

import json
import logging

from backend.adapting import STATS
from backend.controls.regions import RegionControl
from backend.controls.scheme import LabelScheme
from backend.errors import DamagedFile
from backend.learning.adapted_or_not import MIN_ITEMS
from backend.settings import Settings
from backend.store.adapted_models import AdaptedModel, AdaptedModels, Attempt
from backend.store.model_version import ModelVersion

logger = logging.getLogger(__name__)

GROWTH = 1.5
"""It is done again once there are so many times the labels of the last attempt."""


def for_what(settings: Settings, scheme: LabelScheme, encoder: str) -> str:
    """All that an attempt depends on, beside the labels."""
    main = scheme.main
    what = [settings.fine_tune, settings.fine_tune_within, encoder, main.kind, main.from_name, *main.choices]
    return json.dumps(what)


def is_due(settings: Settings, models: AdaptedModels, version: ModelVersion) -> bool:
    """Whether the published version's labels are worth an attempt."""
    labels, main = int(version.stats.get("trained_on") or 0), version.scheme.main
    of_classes = main.keeps_classes and not isinstance(main, RegionControl)
    if not settings.adapts_layers or labels < MIN_ITEMS or not of_classes:
        return False
    last = models.attempt()
    if last is None or last.for_what != for_what(settings, version.scheme, version.encoder):
        return True
    return labels >= GROWTH * last.labels


def taken_over(
    settings: Settings, models: AdaptedModels, scheme: LabelScheme, encoder: str
) -> tuple[Attempt, AdaptedModel] | None:
    """What the last attempt made, if it is better than the frozen one and answers the same question.

    One whose file is gone is forgotten, so that it is made again.
    """
    last = models.attempt() if settings.adapts_layers else None
    if last is None or last.digest is None or last.for_what != for_what(settings, scheme, encoder):
        return None
    try:
        return last, models.load(last.digest)
    except DamagedFile as damage:
        logger.error("%s; it is made again", damage)
        models.forget_attempt()
        return None


def digest_in(stats: dict[str, object]) -> str | None:
    """Of a version's stats, the adapted model that it answers by."""
    told = stats.get(STATS)
    return str(told["digest"]) if isinstance(told, dict) and "digest" in told else None
