"""Predictions in Label Studio, by the model version they are of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from backend.labelstudio.answers import Kind, counts, ignored, record, records
from backend.labelstudio.task_lists import COUNTED, Condition, Task, TaskLists
from backend.store.model_version import version_number

_PREDICTION: dict[str, Kind] = {
    "id": int,
    "task": int,
    "score": (int, float, type(None)),
    "cluster": (int, type(None)),
}
_WITH_PREDICTIONS = {"id": int, "predictions": list}


@dataclass(frozen=True)
class StoredPrediction:
    """A prediction as Label Studio has it. `cluster` is None where it was never set, `score` likewise."""

    id: int
    task: int
    cluster: int | None
    score: float | None = None


class Predictions(TaskLists):
    """Errors are those of `Api`."""

    def import_predictions(self, project_id: int, predictions: list[dict[str, Any]]) -> int:
        """Import all of them in one call; the answer is how many Label Studio kept.

        It drops what it does not like without a word, and refuses the whole call when one task is gone.
        Never retried: a repeated import would leave two predictions per task.
        """
        answer = self._request(
            "POST",
            f"api/projects/{project_id}/import/predictions",
            record("a number of predictions", created=int),
            content=json.dumps(predictions, allow_nan=False).encode(),  # the SDK looks at every item for long
            headers={"Content-Type": "application/json"},
            request_options={"max_retries": 0},
        )
        return int(answer["created"])

    def predictions(self, project_id: int, model_version: str) -> list[StoredPrediction]:
        """Those of a version, lowest score first. Label Studio answers with those of all versions."""
        listed = records("a prediction", **_PREDICTION)
        raw = self._request("GET", "api/predictions/", listed, params={"project": project_id})
        ours = [item for item in raw if item.get("model_version") == model_version]
        ours.sort(key=lambda item: (item.get("score") is None, item.get("score")))
        return [
            StoredPrediction(item["id"], item["task"], item.get("cluster"), item.get("score"))
            for item in ours
        ]

    def others_predictions(self, project_id: int) -> list[Task]:
        """Of all versions but ours, whole: with `task`, `result`, `score`, `model_version`, `created_at`."""
        listed = records("a prediction", **_PREDICTION)
        raw = self._request("GET", "api/predictions/", listed, params={"project": project_id})
        return [item for item in raw if not version_number(str(item.get("model_version") or ""))]

    def set_cluster(self, prediction_id: int, cluster: int) -> None:
        """Of one stored prediction. It counts as a change of its task, but sends no webhook."""
        changed = record("a prediction", id=int)
        self._request("PATCH", f"api/predictions/{prediction_id}/", changed, json={"cluster": cluster})

    def set_score(self, prediction_id: int, score: float) -> None:
        """Of one stored prediction: where its task stands. As `set_cluster` otherwise."""
        changed = record("a prediction", id=int)
        self._request("PATCH", f"api/predictions/{prediction_id}/", changed, json={"score": score})

    def version_sizes(self, project_id: int) -> dict[str, int]:
        """How many predictions each model version has."""
        sizes = counts("numbers of predictions")
        return self._request("GET", f"api/projects/{project_id}/model-versions/", sizes)

    def delete_version(self, project_id: int, model_version: str) -> None:
        """Delete all predictions of a version. Never the current one: that would empty the queue."""
        path = f"api/projects/{project_id}/model-versions/"
        self._request("DELETE", path, ignored, json={"model_version": model_version})

    def delete_prediction(self, prediction_id: int) -> None:
        self._request("DELETE", f"api/predictions/{prediction_id}/", ignored)

    def scored_tasks(self, project_id: int, model_version: str) -> dict[int, bool]:
        """Tasks that have a prediction of this version; true for those nobody has annotated or skipped."""
        light = {"fields": "task_only", "include": ",".join(COUNTED)}
        found = {
            task["id"]: not task["total_annotations"] and not task["cancelled_annotations"]
            for task in self._tasks(project_id, COUNTED, _scored(model_version), **light)
        }
        if not self._is_part_of_others(project_id, model_version):
            return found
        whole = self._tasks(project_id, _WITH_PREDICTIONS, _scored(model_version), fields="all")
        certain = {task["id"] for task in whole if _predictions_of(model_version, task)}
        return {task: free for task, free in found.items() if task in certain}

    def some_predictions(self, project_id: int, model_version: str, count: int) -> list[int]:
        """Ids of predictions of this version, about so many of them; [] where there are none."""
        last = 0
        while True:
            tasks, left = self._page(
                project_id, last, count, _WITH_PREDICTIONS, _scored(model_version), fields="all"
            )
            found = [item["id"] for task in tasks for item in _predictions_of(model_version, task)]
            if found or left <= len(tasks):
                return found
            last = tasks[-1]["id"]

    def _is_part_of_others(self, project_id: int, model_version: str) -> bool:
        """Whether another version's name holds this one: then `_scored` finds its tasks too."""
        part = model_version.lower()
        return any(name != model_version and part in name.lower() for name in self.version_sizes(project_id))


def _scored(model_version: str) -> Condition:
    """That a task has a prediction of a version whose name holds this one; SQLite takes a for A."""
    return ("predictions_model_versions", "contains", "List", [model_version])


def _predictions_of(model_version: str, task: Task) -> list[Task]:
    listed = (item for item in task["predictions"] if isinstance(item, dict) and "id" in item)
    return [item for item in listed if item.get("model_version") == model_version]
