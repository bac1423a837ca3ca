"""What a change of a project's settings asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backend.jobs.dispatch import Dispatcher

Published = Callable[[], str | None]
"""Tells the version Label Studio should be ordering by. Asked only where it matters: with a model store on
another machine the answer takes its time."""


@dataclass(frozen=True)
class Settled:
    """Of a project's settings, what matters here. From an event, so it may be anything."""

    label_config: object
    model_version: object
    serves_overlap_first: object


def heed_settings(
    dispatcher: Dispatcher, published: Published, project_id: int, found: Settled
) -> str | None:
    """Enqueue what a change of them asks for; returns the id of a retrain.

    Each publication changes a project's settings too: only what is not as we left it is news.
    """
    known = dispatcher.state(project_id).label_config
    if known is not None and found.label_config != known:
        return dispatcher.insist_on_retrain(project_id)
    version = published()
    # A settings page put an old version back, or emptied it; or had overlap served first, maybe just now.
    if version is not None and (found.model_version != version or found.serves_overlap_first):
        dispatcher.request_refill(project_id)
    return None
