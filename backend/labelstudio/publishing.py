"""Put the head of the queue into Label Studio, and take old versions out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from backend.errors import LabelStudioError, Rejected
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.project import Project

logger = logging.getLogger(__name__)


class HeadChanged(LabelStudioError):
    """Tasks of the head vanished, or the label config changed, while it was being published."""


class Dropped(HeadChanged):
    """Label Studio kept only some of the predictions: they do not fit the label config."""


def prediction(model_version: str, score: float, regions: list[dict[str, Any]]) -> dict[str, Any]:
    """A prediction by Label Studio's shape. Without regions it says where the task stands, no more."""
    return {"result": regions, "score": score, "model_version": model_version}


def import_head(
    client: LabelStudioClient, project: Project, model_version: str, predictions: Sequence[dict[str, Any]]
) -> None:
    """Import the head of a version that Label Studio has none of yet.

    predictions: each with a `task`; scores distinct, lowest first; without any, nothing is asked.
    Raises HeadChanged when Label Studio did not keep all of it; the order it has is left as it was.
    """
    if not predictions:
        return
    try:
        extend_head(client, project, predictions)
    except Dropped:
        client.delete_version(project.id, model_version)
        raise


def extend_head(client: LabelStudioClient, project: Project, predictions: Sequence[dict[str, Any]]) -> None:
    """Add predictions to a version that may already have some, of other tasks.

    Raises HeadChanged: Rejected ones are all kept out, of Dropped ones some may have gone in.
    """
    try:
        created = client.import_predictions(project.id, list(predictions))
    except Rejected as error:  # one task that is gone fails the whole call
        raise HeadChanged(f"the head of the queue was refused: {error}") from error
    if created != len(predictions):
        raise Dropped(f"Label Studio kept {created} of {len(predictions)} predictions")


def stale_versions(current: str | None, ours: Sequence[str]) -> list[str]:
    """Versions of ours, oldest first, that neither order the queue now nor did just before.

    ours: names this backend made that Label Studio has predictions of, oldest first. The one before the
    current is kept for annotators who are looking at it.
    """
    return [] if current not in ours else list(ours[: max(0, ours.index(current) - 1)])
