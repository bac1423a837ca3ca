"""Whether a project's fine-tuning is due, and which adapted model a new version answers by."""

from __future__ import annotations

import json
import logging

from backend.adapting import STATS
from backend.controls.base import Control
from backend.controls.regions import RegionControl
from backend.controls.scheme import LabelScheme
from backend.encoders.backbones import DEPTHS, Depth
from backend.errors import DamagedFile
from backend.learning.adapted_or_not import MIN_ITEMS
from backend.learning.wrapped import WrappedModel
from backend.settings import Settings
from backend.store.adapted_models import AdaptedModel, AdaptedModels, Attempt
from backend.store.adapted_views import KeptViews
from backend.store.locations import adapted_models, adapted_views
from backend.store.model_version import ModelVersion

logger = logging.getLogger(__name__)

GROWTH = 1.5
"""It is done again once there are so many times the labels of the last attempt."""


VIEWED = "viewed"
"""Where an attempt tells of how many contents it is kept what the adapted layers see."""


def are_views_wanted(settings: Settings, control: Control) -> bool:
    """Whether the order is to be made on adapted vectors: of answers about whole contents alone."""
    return settings.rank_on == "adapted" and not isinstance(control, RegionControl)


def depth_of(settings: Settings, control: Control) -> Depth | None:
    """How many of the encoder's layers are trained for a control; None where they stay as they are."""
    if not control.source.adapts:
        return None
    return DEPTHS.get(control.adapts.get(settings.fine_tune, ""))


def encoder_for(scheme: LabelScheme, encoder: str, unit_encoder: str) -> str:
    """The name of the one whose layers are trained, of those by which contents, and their parts, are read."""
    return unit_encoder if isinstance(scheme.main, RegionControl) else encoder


def for_what(settings: Settings, scheme: LabelScheme, encoder: str, unit_encoder: str = "") -> str:
    """All that an attempt depends on, beside the labels."""
    main, read = scheme.main, encoder_for(scheme, encoder, unit_encoder)
    depth = depth_of(settings, main)
    what = [depth, settings.fine_tune_within, read, main.kind, main.from_name, *main.choices]
    return json.dumps(what)


def is_due(settings: Settings, models: AdaptedModels, version: ModelVersion) -> bool:
    """Whether the published version's labels are worth an attempt."""
    labels = int(version.stats.get("trained_on") or 0)
    if isinstance(version.network, WrappedModel) or labels < MIN_ITEMS:  # of somebody else's model nothing
        return False
    if depth_of(settings, version.scheme.main) is None:
        return False
    last = models.attempt()
    if last is None or last.for_what != for_what(
        settings, version.scheme, version.encoder, version.unit_encoder
    ):
        return True
    lacks_views = last.digest is not None and VIEWED not in last.told
    if lacks_views and are_views_wanted(settings, version.scheme.main):
        return True
    return labels >= GROWTH * last.labels


def taken_over(
    settings: Settings, models: AdaptedModels, scheme: LabelScheme, encoder: str, unit_encoder: str = ""
) -> tuple[Attempt, AdaptedModel] | None:
    """What the last attempt made, if it is better than the frozen one and answers the same question.

    One whose file is gone is forgotten, so that it is made again.
    """
    last = None if depth_of(settings, scheme.main) is None else models.attempt()
    if last is None or last.digest is None:
        return None
    if last.for_what != for_what(settings, scheme, encoder, unit_encoder):
        return None
    try:
        return last, models.load(last.digest)
    except DamagedFile as damage:
        logger.error("%s; it is made again", damage)
        models.forget_attempt()
        return None


def kept_views(settings: Settings, project_id: int, digest: str) -> KeptViews | None:
    """What an adapted model's layers see of a project's items; None where nothing of it is kept, or it
    cannot be read. What is gone or damaged is forgotten, so that it is made again."""
    try:
        return adapted_views(settings, project_id).read(digest)
    except (DamagedFile, FileNotFoundError) as damage:
        logger.error("the order is of frozen vectors until it is made again: %s", damage)
        adapted_models(settings, project_id).tell_no_more(digest, VIEWED)
    except OSError as error:
        logger.error("what adapted layers see cannot be read now, the order is of frozen vectors: %s", error)
    return None


def digest_in(stats: dict[str, object]) -> str | None:
    """Of a version's stats, the adapted model that it answers by."""
    told = stats.get(STATS)
    return str(told["digest"]) if isinstance(told, dict) and "digest" in told else None
