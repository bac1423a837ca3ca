"""Which weights a project's controls have: its connection's, else those of the settings."""

from __future__ import annotations

import logging

from backend.controls.scheme import LabelScheme
from backend.controls.weights import own_weights
from backend.settings import Settings

logger = logging.getLogger(__name__)


def weights_for(settings: Settings, scheme: LabelScheme, named: str | None) -> dict[str, float]:
    """By control. named: by the connection; not heeded where the label config has changed under it."""
    try:
        return settings.weights if named is None else own_weights(scheme, named)
    except ValueError as error:
        logger.warning("extra params: %s", error)
        return settings.weights
