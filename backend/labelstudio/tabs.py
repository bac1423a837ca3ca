"""Tabs of Label Studio's Data Manager that show the tasks we name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from backend.labelstudio.answers import Kind, ignored, record, records
from backend.labelstudio.api import Api

FIRST = "tasks:predictions_score"
"""An order: the tasks that the model's queue has first come first."""
_TAB: dict[str, Kind] = {"id": int, "data": (dict, type(None))}


@dataclass(frozen=True)
class Tab:
    """Of a project's Data Manager."""

    id: int
    title: str


class Tabs(Api):
    """Errors are those of `Api`."""

    def tabs(self, project_id: int) -> list[Tab]:
        listed = records("a tab of the Data Manager", **_TAB)
        raw = self._request("GET", "api/dm/views/", listed, params={"project": project_id})
        return [Tab(item["id"], str((item["data"] or {}).get("title") or "")) for item in raw]

    def show_in_tab(
        self, project_id: int, title: str, tasks: Iterable[int], ordering: Sequence[str] = ()
    ) -> Tab:
        """The tab of this title shows these tasks from now on; it is made where there is none.

        What else a person has set in it, such as columns, goes: Label Studio keeps it in the same record.
        """
        shown = {"filter": "filter:tasks:id", "operator": "in_list", "type": "List", "value": sorted(tasks)}
        filters = {"conjunction": "and", "items": [shown]}
        body: dict[str, Any] = {
            "project": project_id,
            "data": {"title": title, "type": "list", "filters": filters, "ordering": list(ordering)},
        }
        saved = record("a tab of the Data Manager", **_TAB)
        known = next((tab for tab in self.tabs(project_id) if tab.title == title), None)
        if known is None:
            return Tab(self._request("POST", "api/dm/views/", saved, json=body)["id"], title)
        self._request("PATCH", f"api/dm/views/{known.id}/", saved, json=body)
        return known

    def delete_tab(self, tab: Tab) -> None:
        self._request("DELETE", f"api/dm/views/{tab.id}/", ignored)
