"""Label Studio's API, as much of it as the loop needs. Lists of tasks are in `task_lists`, what has to
do with predictions in `predictions`."""

from __future__ import annotations

from typing import Any

from backend.labelstudio.answers import record, records
from backend.labelstudio.connection import Wishes, wishes_of
from backend.labelstudio.predictions import Predictions
from backend.labelstudio.project import COUNTERS, SETTINGS, Project, project_of

UNCERTAINTY_SAMPLING = "Uncertainty sampling"


class LabelStudioClient(Predictions):
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
