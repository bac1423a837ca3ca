"""One project of the fake Label Studio: its tasks, annotations, predictions, connections and webhooks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from label_studio_sdk.label_interface import LabelInterface

from tests.fakes.rows import Json, Rows

CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    '<Choice value="disaster"/><Choice value="other"/></Choices></View>'
)


@dataclass
class FakeProject:
    """Rows are as the API shows them; `settings` are the fields that a PATCH may change."""

    id: int
    settings: Json
    tasks: dict[int, Json] = field(default_factory=dict)
    annotations: Rows = field(default_factory=Rows)
    predictions: Rows = field(default_factory=Rows)
    connections: dict[int, Json] = field(default_factory=dict)
    webhooks: dict[int, Json] = field(default_factory=dict)
    tabs: dict[int, Json] = field(default_factory=dict)

    def shown(self) -> Json:
        """As `GET /api/projects/{id}/` answers."""
        cancelled = sum(each["was_cancelled"] for each in self.annotations)
        labeled = {each["task"] for each in self.annotations if not each["was_cancelled"]}
        return {
            "id": self.id,
            **self.settings,
            "task_number": len(self.tasks),
            "total_annotations_number": len(self.annotations) - cancelled,
            "finished_task_number": sum(task["is_labeled"] for task in self.tasks.values()),
            "total_predictions_number": len(self.predictions),
            "skipped_annotations_number": cancelled,
            "num_tasks_with_annotations": len(labeled),
            "ground_truth_number": sum(each["ground_truth"] for each in self.annotations),
        }

    def task_shown(self, task_id: int, *, whole: bool) -> Json:
        """whole: with its annotations and the predictions of all versions."""
        task = dict(self.tasks[task_id])
        if whole:
            task["annotations"] = self.annotations.of(task_id)
            task["predictions"] = self.predictions.of(task_id)
        return task

    def count_again(self, task_id: int) -> None:
        """Bring the task's counts and `is_labeled` up to date with its annotations."""
        task, given = self.tasks[task_id], self.annotations.of(task_id)
        cancelled = sum(each["was_cancelled"] for each in given)
        finished = len(given) - cancelled
        if self.settings["skip_queue"] == "IGNORE_SKIPPED":
            finished += cancelled
        task |= {
            "total_annotations": len(given) - cancelled,
            "cancelled_annotations": cancelled,
            "total_predictions": len(self.predictions.of(task_id)),
            "is_labeled": finished >= task["overlap"],
            "completed_at": max((each["created_at"] for each in given), default=None),
        }

    def version_sizes(self) -> dict[str, int]:
        """Predictions by model version; the current one is listed with 0 if it has none."""
        sizes = Counter(str(each["model_version"]) for each in self.predictions)
        current = self.settings["model_version"]
        return {**({current: 0} if current else {}), **sizes}

    def is_version(self, name: str) -> bool:
        """Whether a project may be switched to it: static predictions, or a live backend of this title."""
        titles = {each["title"] for each in self.connections.values()}
        return name in titles or any(each["model_version"] == name for each in self.predictions)

    def fitting(self, items: list[Json]) -> list[Json]:
        """Those that pass Label Studio's own check; what does not is dropped at an import."""
        interface = LabelInterface(self.settings["label_config"])
        return [item for item in items if not interface.validate_prediction(item, return_errors=True)]

    def queue(self, user: int) -> list[int]:
        """Tasks in the order in which the user is served them by 'Uncertainty sampling'; the rest by id.

        A real one orders the rest, which has no prediction of the current version, by chance.
        """
        mine = {each["task"] for each in self.annotations if each["completed_by"] == user}
        waiting = [task for task in self.tasks.values() if not task["is_labeled"] and task["id"] not in mine]
        score: dict[int, float] = {}
        for each in self.predictions:
            if each["model_version"] == self.settings["model_version"] and each["score"] is not None:
                score[each["task"]] = min(each["score"], score.get(each["task"], 1.0))
        first = self.settings["show_overlap_first"]
        waiting.sort(key=lambda t: (first and t["overlap"] < 2, score.get(t["id"], 2.0), t["id"]))
        return [task["id"] for task in waiting]
