"""Label Studio's API, as much of it as the loop needs. Lists of tasks are in `task_lists`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from backend.labelstudio.answers import Kind, counts, ignored, record, records
from backend.labelstudio.connection import Wishes, wishes_of
from backend.labelstudio.project import COUNTERS, SETTINGS, Project, project_of
from backend.labelstudio.task_lists import TaskLists

UNCERTAINTY_SAMPLING = "Uncertainty sampling"
_PREDICTION: dict[str, Kind] = {
    "id": int,
    "task": int,
    "score": (int, float, type(None)),
    "cluster": (int, type(None)),
}


@dataclass(frozen=True)
class StoredPrediction:
    """A prediction as Label Studio has it. `cluster` is None where it was never set."""

    id: int
    task: int
    cluster: int | None


class LabelStudioClient(TaskLists):
    """One Label Studio, as one user."""

    def project(self, project_id: int, *, counted: bool = True) -> Project:
        """counted: with all counters, each of which costs Label Studio a look at every task; else only the
        number of tasks."""
        include = ",".join(SETTINGS + (COUNTERS if counted else COUNTERS[:1]))
        return self._request("GET", f"api/projects/{project_id}/", project_of, params={"include": include})

    def wishes(self, project_id: int) -> Wishes:
        """What the project's connections ask for.

        Label Studio calls each connected backend's /health and /setup before it answers.
        """
        listed = records("a connection", id=int)
        return wishes_of(self._request("GET", "api/ml", listed, params={"project": project_id}))

    def webhook_authorizations(self, project_id: int) -> list[str]:
        """The Authorization headers of the project's webhooks, "" of one that has none."""
        listed = records("a webhook", id=int, headers=(dict, type(None)))
        raw = self._request("GET", "api/webhooks/", listed, params={"project": project_id})
        return [str((item["headers"] or {}).get("Authorization", "")) for item in raw]

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
        return [StoredPrediction(item["id"], item["task"], item.get("cluster")) for item in ours]

    def set_cluster(self, prediction_id: int, cluster: int) -> None:
        """Of one stored prediction. It counts as a change of its task, but sends no webhook."""
        changed = record("a prediction", id=int)
        self._request("PATCH", f"api/predictions/{prediction_id}/", changed, json={"cluster": cluster})

    def publish(
        self, project_id: int, model_version: str, *, set_sampling: bool = False, blind: bool = False
    ) -> None:
        """Make `model_version` the one Label Studio orders by, and shows unless `blind`."""
        changes: dict[str, Any] = {"model_version": model_version}
        if set_sampling:
            changes["sampling"] = UNCERTAINTY_SAMPLING
        if blind:
            changes["show_collab_predictions"] = False
        self._request("PATCH", f"api/projects/{project_id}/", record("a project", id=int), json=changes)

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
