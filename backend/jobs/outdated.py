"""Whether what is learned has changed since the newest version was made."""

from __future__ import annotations

from collections.abc import Sequence

from backend.controls.scheme import LabelScheme
from backend.store.tasks import StoredTask, fingerprint, former_fingerprint
from backend.store.versions import VersionStore


def outdated(versions: VersionStore, scheme: LabelScheme, tasks: Sequence[StoredTask]) -> str | None:
    """Why the newest version has to be made anew, None where it need not. tasks: all, by rising id.

    Not because of tasks that were skipped, nor of new ones without an answer: from neither is anything
    learned, and the latter have their place in the queue of the old one.
    """
    names = versions.names()
    if not names or not scheme.fits(versions.scheme(names[-1])):
        return "no version for this label config"
    stats = versions.stats(names[-1])
    new = [task for task in tasks if task.id > stats.get("newest_task", 0)]
    known = tasks[: len(tasks) - len(new)]
    is_answered = any(task.target is not None or task.others for task in new)
    if is_answered or stats.get("fingerprint") not in (fingerprint(known), former_fingerprint(known)):
        return "tasks or annotations changed"
    return None
