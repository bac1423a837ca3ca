"""A Label Studio project, as far as the loop needs to know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backend.labelstudio.answers import record

COUNTERS = (
    "task_number",
    "total_annotations_number",
    "skipped_annotations_number",
    "ground_truth_number",
    "finished_task_number",
    "total_predictions_number",
)
SETTINGS = (
    *("id", "title", "label_config", "model_version", "show_collab_predictions"),
    *("maximum_annotations", "overlap_cohort_percentage", "show_overlap_first"),
)


@dataclass(frozen=True)
class Project:
    """What the loop needs to know of a project."""

    id: int
    label_config: str
    model_version: str | None
    task_count: int
    shows_predictions: bool
    overlap: tuple[int, float]
    """Annotations a task shall have, and the percentage of tasks that shall have more than one. A change
    finishes tasks, or reopens them, without moving their `updated_at`."""
    serves_overlap_first: bool
    counters: dict[str, int]
    """How many tasks, annotations, skips, predictions: with the newest change they tell of any change."""
    title: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether no task waits for a label; so it is without tasks."""
        return self.counters["finished_task_number"] >= self.task_count


_shape = record("a project", id=int, task_number=int)


def project_of(raw: Any) -> Project:
    """Of SETTINGS and some of COUNTERS; others count as 0. Raises OtherShape for what is no project."""
    known = _shape(raw)
    return Project(
        id=known["id"],
        label_config=str(known.get("label_config") or ""),
        model_version=known.get("model_version") or None,
        task_count=known["task_number"],
        shows_predictions=bool(known.get("show_collab_predictions", True)),
        overlap=(known.get("maximum_annotations") or 1, known.get("overlap_cohort_percentage") or 0),
        serves_overlap_first=bool(known.get("show_overlap_first")),
        counters={key: known.get(key) or 0 for key in COUNTERS},
        title=str(known.get("title") or ""),
    )
