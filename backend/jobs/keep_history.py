"""Write down what a retrain came to."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any

from backend.errors import DamagedFile, ModelStoreError
from backend.jobs.pull import FILE
from backend.settings import Settings
from backend.store.history import History, entry_of, unrecorded
from backend.store.locations import project_files, version_store
from backend.store.paths import project_dir
from backend.store.tasks import TaskStore

logger = logging.getLogger(__name__)


def complete_history(settings: Settings, project_id: int) -> None:
    """Write down the versions that it lacks, before a retrain deletes the oldest of them."""
    versions, history = version_store(settings, project_id), History(project_files(settings, project_id))
    try:
        history.add(unrecorded(history, versions))
    except (ModelStoreError, OSError) as error:
        logger.warning("project %d: its versions are not in the history: %s", project_id, error)


def keep_history(settings: Settings, project_id: int, result: dict[str, Any]) -> None:
    """result: what the retrain's job returns; nothing is written of one that made no version.

    That it cannot be written is told in the log: the version itself serves already.
    """
    name = result.get("model_version")
    if name is None:
        return
    versions, history = version_store(settings, project_id), History(project_files(settings, project_id))
    try:
        entry = entry_of(
            name,
            versions.stats(name),
            published=result["published"],
            encoder=versions.encoder(name),
            seconds=round(sum(result["seconds"].values()), 2),
            annotators=_annotators(project_dir(settings.data_dir, project_id)),
        )
        history.add([entry])
    except (ModelStoreError, OSError) as error:
        logger.warning("project %d: what %s came to is not in the history: %s", project_id, name, error)


def _annotators(directory: Path) -> dict[str, int]:
    """By their number in Label Studio, how many tasks they have answered; {} where that is not known."""
    try:
        with TaskStore(directory / FILE) as store:
            votes = store.votes().values()
    except DamagedFile as damage:
        logger.warning("%s", damage)
        return {}
    answered = {(task, vote.annotator) for tasks in votes for task, cast in tasks.items() for vote in cast}
    return dict(Counter(annotator for _, annotator in answered))
