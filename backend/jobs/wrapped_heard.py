"""What a retrain hears of the ML backend that the project wraps."""

from __future__ import annotations

from collections.abc import Sequence

from backend.settings import Settings
from backend.store.forwarded import Forwarded
from backend.store.locations import project_files
from backend.store.tasks import StoredTask
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapped.heard import Heard
from backend.wrapped.numbers import numbers_of

NOT_YET = float("inf")


def heard_of(settings: Settings, project_id: int, tasks: Sequence[StoredTask], since: float = 0.0) -> Heard:
    """tasks: all of the project; since: see `Heard`.

    A task is judged by what was said before the backend was told of an annotation of it: what it learned from
    says nothing about where it is wrong.
    """
    files = project_files(settings, project_id)
    kept, told = WrappedPredictions(files), Forwarded(files).read().first
    ids = [task.id for task in tasks]
    labelled = [task.id for task in tasks if task.target is not None or task.others]
    judged = kept.each_before({task: told.get(task, NOT_YET) for task in labelled})
    return Heard(numbers_of(ids, kept.each_newest(ids)), judged, since)
