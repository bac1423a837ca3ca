"""Tabs of Label Studio's Data Manager that show the tasks we name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from backend.labelstudio.answers import Kind, ignored, record, records
from backend.labelstudio.api import Api

MOST_RANGES = 400
"""Conditions of a tab; SQLite, below Label Studio, takes fewer than a thousand."""
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
        self, project_id: int, title: str, tasks: Iterable[int], known: Collection[int] = ()
    ) -> Tab:
        """The tab of this title shows these tasks from now on; it is made where there is none.

        As ranges of their numbers, at most MOST_RANGES: the API takes a list of numbers too, but Label
        Studio's own page stays empty on a tab with one. known: the project's tasks, over whose gaps a range
        may go. What else a person has set in the tab, such as columns, goes.
        """
        filters = {"conjunction": "or", "items": [_within(*each) for each in ranges(tasks, known)]}
        body: dict[str, Any] = {
            "project": project_id,
            "data": {"title": title, "type": "list", "filters": filters},
        }
        saved = record("a tab of the Data Manager", **_TAB)
        present = next((tab for tab in self.tabs(project_id) if tab.title == title), None)
        if present is None:
            return Tab(self._request("POST", "api/dm/views/", saved, json=body)["id"], title)
        self._request("PATCH", f"api/dm/views/{present.id}/", saved, json=body)
        return present

    def delete_tab(self, tab: Tab) -> None:
        self._request("DELETE", f"api/dm/views/{tab.id}/", ignored)


def ranges(tasks: Iterable[int], known: Collection[int] = ()) -> list[tuple[int, int]]:
    """First and last of each run of these tasks among those that are known, at most MOST_RANGES, the lowest
    first; what is beyond is left out."""
    wanted = set(tasks)
    runs: list[tuple[int, int]] = []
    before: int | None = None
    for task in sorted(wanted.union(known)):
        if task in wanted:
            if runs and before == runs[-1][1]:
                runs[-1] = (runs[-1][0], task)
            else:
                runs.append((task, task))
        before = task
    return runs[:MOST_RANGES] or [(0, 0)]


def _within(first: int, last: int) -> dict[str, Any]:
    value = {"min": first, "max": last}
    return {"filter": "filter:tasks:id", "operator": "in", "type": "Number", "value": value}
