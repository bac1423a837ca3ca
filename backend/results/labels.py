"""Every label of a project, and why its task was labelled."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from backend.controls.any_config import parse_any_config
from backend.jobs.pull import pull
from backend.jobs.recording import reasons_of_labels
from backend.labelstudio.client import LabelStudioClient
from backend.results.collect import labels_of
from backend.settings import Settings
from backend.store.locations import project_files, version_store
from backend.store.paths import project_dir
from backend.store.reason import AUDIT, COPY, UNKNOWN, UNREAD, UNSERVED, WANTED, Reason

_OTHERS = {
    AUDIT: "drawn at random to audit",
    WANTED: "as somebody wanted them next",
    UNSERVED: "not from the queue",
    UNKNOWN: "from before it was kept why",
    COPY: "as copies of other tasks",
    UNREAD: "before they were encoded, at random",
}
"""What was not placed by a strategy."""


@dataclass(frozen=True)
class Labelled:
    """labels: by control, the choices that the task's annotators agree on; one at least."""

    task: int
    text: str
    labels: dict[str, list[str]]
    reason: Reason


@dataclass(frozen=True)
class Labels:
    """controls: names, the queue's first; disputed: tasks with answers that say nothing, or disagree."""

    controls: list[str]
    rows: list[Labelled]
    disputed: int


def collect_labels(settings: Settings, client: LabelStudioClient, project_id: int) -> Labels:
    """As they are in Label Studio now, also those that no retrain has seen yet.

    Raises LabelConfigError where there is nothing to learn, LabelStudioError, ModelStoreError.
    """
    project = client.project(project_id, counted=False)
    scheme = parse_any_config(project.label_config, settings.queue_controls)
    tasks = pull(client, project, scheme, project_dir(settings.data_dir, project_id))
    files, versions = project_files(settings, project_id), version_store(settings, project_id)
    answered = [task for task in tasks if task.given is not None]
    reasons = reasons_of_labels(files, versions, answered)
    rows = [
        Labelled(task.id, task.text, labels, reasons[task.id].reason)
        for task in answered
        if (labels := labels_of(task, scheme.main, scheme.controls))
    ]
    names = [control.from_name for control in scheme.controls]
    return Labels(names, rows, len(answered) - len(rows))


def in_words(labels: Labels) -> str:
    """How many, and by what: "60 labels: 40 by auto, 15 by cold_start, 5 not from the queue"."""
    by = Counter(_by(row.reason) for row in labels.rows)
    told = ", ".join(f"{count} {what}" for what, count in by.most_common())
    disputed = f"; left out: {labels.disputed} answered tasks without a label that all agree on"
    return f"{len(labels.rows)} labels" + (f" ({told})" if told else "") + disputed * bool(labels.disputed)


def _by(reason: Reason) -> str:
    return _OTHERS.get(reason.how) or f"by {reason.strategy}"
