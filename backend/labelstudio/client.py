"""Label Studio's API, as much of it as the loop needs. Lists of tasks are in `task_lists`, what has to
do with predictions in `predictions`, with the Data Manager's tabs in `tabs`."""

from __future__ import annotations

from typing import Any

from backend.labelstudio.answers import record, records
from backend.labelstudio.connection import Wishes, wishes_of, wraps_in
from backend.labelstudio.predictions import Predictions
from backend.labelstudio.project import COUNTERS, SETTINGS, Project, project_of
from backend.labelstudio.tabs import Tabs

UNCERTAINTY_SAMPLING = "Uncertainty sampling"


class LabelStudioClient(Predictions, Tabs):
    """One Label Studio, as one user."""

    def project(self, project_id: int, *, counted: bool = True) -> Project:
        """counted: with all counters, each of which costs Label Studio a look at every task; else only the
        number of tasks."""
        include = ",".join(SETTINGS + (COUNTERS if counted else COUNTERS[:1]))
        return self._request("GET", f"api/projects/{project_id}/", project_of, params={"include": include})

    def wishes(self, project_id: int) -> Wishes:
        """What the project's connections ask for, as they stand.

        Not by the list of connections: for that Label Studio calls every backend, and then writes each
        connection back as it was before. What somebody saves meanwhile would be lost.
        """
        return wishes_of(self._connections(project_id))

    def _connections(self, project_id: int) -> list[dict[str, Any]]:
        listed = records("a connection", id=int, url=str)
        asked = {"extended": True, "include_live_models": True}
        path = f"api/projects/{project_id}/model-versions/"
        shown = self._request("GET", path, record("model versions", live=list), params=asked)
        return listed(shown["live"])

    def wrapped_since(self, project_id: int) -> str | None:
        """When the project's first connection was made that names an ML backend to wrap, ISO 8601; None where
        none does, or that is not told."""
        made = [
            str(each["created_at"])
            for each in self._connections(project_id)
            if wraps_in(each.get("extra_params")) and each.get("created_at")
        ]
        return min(made, default=None)

    def project_as_told(self, project_id: int) -> dict[str, Any]:
        """The project as Label Studio tells webhooks of it."""
        return self._request("GET", f"api/projects/{project_id}/", record("a project", id=int))

    def all_backends_answer(self, project_id: int) -> bool:
        """Whether each backend that the project has a connection to answers its /health and /setup, which
        Label Studio calls for this; see `wishes` for what that may cost."""
        listed = records("a connection", id=int)
        raw = self._request("GET", "api/ml", listed, params={"project": project_id})
        return bool(raw) and all(item.get("state") == "CO" for item in raw)

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

    def show_predictions(self, project_id: int) -> None:
        """To annotators, where `publish` had switched it off."""
        changes = {"show_collab_predictions": True}
        self._request("PATCH", f"api/projects/{project_id}/", record("a project", id=int), json=changes)

    def open_again(self, task_id: int, *, overlap: int) -> None:
        """Serve a finished task to others until it has so many annotations. Label Studio finishes it then by
        itself; a changed overlap alone would leave it finished."""
        changes = {"overlap": overlap, "is_labeled": False}
        self._request("PATCH", f"api/tasks/{task_id}/", record("a task", id=int), json=changes)

    def close_again(self, task_id: int, *, overlap: int, is_labeled: bool) -> None:
        """The contrary."""
        changes = {"overlap": overlap, "is_labeled": is_labeled}
        self._request("PATCH", f"api/tasks/{task_id}/", record("a task", id=int), json=changes)

    def serve_overlap_first(self, project_id: int, first: bool = True) -> None:
        """Tasks that shall have several annotations before all others, or not."""
        changes = {"show_overlap_first": first}
        self._request("PATCH", f"api/projects/{project_id}/", record("a project", id=int), json=changes)
