"""Lists of a project's tasks, read page by page while people go on working.

Pages are told apart by the tasks' ids, not by their number: where one task falls out of what is asked for
(an annotation is deleted), all that follow move up by one, and the first of the next page would be missed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from itertools import chain, islice
from typing import Any

from backend.errors import AnswerTooLarge, Unavailable
from backend.labelstudio.answers import OtherShape, record, records
from backend.labelstudio.api import Api
from backend.labelstudio.project import Project

Task = dict[str, Any]
Condition = tuple[str, str, str, Any]
"""Of a Data Manager's filter: column, operator, kind, value."""
PAGE_SIZE = 1000
"""Tasks per request: about 0.4 s of Label Studio's time."""
MANY = 200
"""Tasks read without their annotations in one request: about a tenth of a second."""
FEW = 50
"""Tasks read whole in one request, half a second of Label Studio's time at most."""
SPARE = 10
"""Pages by which a list may grow while it is read."""
_AS_ASKED = "id,data,meta,created_at,updated_at,is_labeled,total_annotations,cancelled_annotations,overlap"
_LIGHT = "id,data,updated_at,is_labeled,total_annotations,cancelled_annotations"
COUNTED = {"id": int, "total_annotations": int, "cancelled_annotations": int}
_KNOWN = {**COUNTED, "updated_at": str, "is_labeled": bool}
_WHOLE = {**_KNOWN, "annotations": list}
_ANNOTATED = ("total_annotations", "greater", "Number", 0)


class TaskLists(Api):
    """Errors are those of `Api`."""

    def all_tasks(self, project_id: int) -> Iterator[Task]:
        """Every task with its id, data, `updated_at`, state and counts, without annotations, by id."""
        return self._tasks(project_id, _KNOWN, fields="task_only", include=_LIGHT)

    def annotated_tasks(self, project_id: int) -> Iterator[Task]:
        """The tasks that have annotations, whole, by id."""
        return self._tasks(project_id, _WHOLE, _ANNOTATED, fields="all")

    def tasks_by_id(self, project_id: int, ids: Collection[int]) -> Iterator[Task]:
        """These tasks, whole; those that are gone are left out."""
        rest = iter(sorted(ids))
        while some := list(islice(rest, FEW)):
            yield from self._tasks(project_id, _WHOLE, ("id", "in_list", "List", some), fields="all")

    def standing_of(self, project_id: int, ids: Collection[int]) -> Iterator[Task]:
        """State, counts and overlap of these tasks, without annotations; those that are gone are left out."""
        rest, told = iter(sorted(ids)), {**COUNTED, "is_labeled": bool, "overlap": int}
        while some := list(islice(rest, MANY)):
            chosen = ("id", "in_list", "List", some)
            yield from self._tasks(project_id, told, chosen, fields="task_only", include=",".join(told))

    def waiting_by_id(self, project_id: int, ids: Collection[int]) -> Iterator[Task]:
        """These tasks as Label Studio sends them to ML backends; those that are gone, finished or annotated
        are left out."""
        rest = iter(sorted(ids))
        while some := list(islice(rest, MANY)):
            chosen = ("id", "in_list", "List", some)
            unfinished = ("is_labeled", "equal", "Boolean", False)
            for task in self._tasks(
                project_id, _KNOWN, chosen, unfinished, fields="task_only", include=_AS_ASKED
            ):
                if not task["total_annotations"] and not task["cancelled_annotations"]:
                    yield {**task, "project": project_id, "annotations": [], "predictions": []}

    def tasks_changed_since(self, project_id: int, when: str) -> Iterator[Task]:
        """The tasks whose data or annotations changed after `when` (ISO 8601, UTC), the annotated ones whole.

        Few come in one request. Of many, such as those just imported, all come without annotations, which
        is ten times faster, and then the annotated ones again. Then none is told to have changed later than
        the reading began, so that the next one, from there on, finds what changed on pages already read.
        """
        changed = ("updated_at", "greater", "Datetime", when)
        few, total = self._page(project_id, 0, FEW, _WHOLE, changed, fields="all")
        if total <= FEW:
            yield from few
            return
        newest = self.newest_change(project_id)
        light = self._tasks(project_id, _KNOWN, changed, fields="task_only", include=_LIGHT)
        whole = self._tasks(project_id, _WHOLE, changed, _ANNOTATED, fields="all")
        for task in chain(light, whole):
            yield {**task, "updated_at": min(task["updated_at"], newest)}

    def served_first(self, project: Project) -> set[int]:
        """The unfinished tasks that Label Studio serves before any other, whatever their score."""
        if not project.serves_overlap_first:
            return set()
        several = ("overlap", "greater", "Number", 1)
        unfinished = ("is_labeled", "equal", "Boolean", False)
        found = self._tasks(project.id, {"id": int}, several, unfinished, fields="task_only", include="id")
        return {task["id"] for task in found}

    def task_ids(self, project_id: int) -> set[int]:
        found = self._tasks(project_id, {"id": int}, fields="task_only", include="id")
        return {task["id"] for task in found}

    def newest_change(self, project_id: int) -> str:
        """When a task of the project, or one of its annotations, last changed; "" without tasks."""
        found = self._request(
            "GET",
            "api/tasks",
            _page_of({"updated_at": str}),
            params={
                "project": project_id,
                "page": 1,
                "page_size": 1,
                "fields": "task_only",
                "include": "updated_at",
                "query": json.dumps({"ordering": ["-tasks:updated_at"]}),
            },
        )["tasks"]
        return str(found[0]["updated_at"]) if found else ""

    def _tasks(
        self, project_id: int, kinds: dict[str, Any], *conditions: Condition, **params: str
    ) -> Iterator[Task]:
        """All that meet the conditions, by id. kinds: of the fields that each must have.

        A page too large to be read is asked for again in smaller ones.
        """
        last, size, read, most = 0, PAGE_SIZE, 0, 0
        while True:
            try:
                tasks, left = self._page(project_id, last, size, kinds, *conditions, **params)
            except AnswerTooLarge:
                if size == 1:
                    raise
                size = max(1, size // 10)
                continue
            most = most or 2 * left + SPARE * PAGE_SIZE
            read += len(tasks)
            if read > most:
                raise self._strange(f"with more than {most} tasks, of {(most - SPARE * PAGE_SIZE) // 2}")
            ids = [task["id"] for task in tasks]
            if ids and (ids[0] <= last or ids != sorted(ids)):
                raise self._strange("with the same tasks again, or in no order")
            yield from tasks
            if left <= len(tasks):
                return
            last = ids[-1]

    def _page(
        self,
        project_id: int,
        after: int,
        size: int,
        kinds: dict[str, Any],
        *conditions: Condition,
        **params: str,
    ) -> tuple[list[Task], int]:
        """So many tasks from an id on, and how many there are from there on."""
        beyond = (("id", "greater", "Number", after),) if after else ()
        where: dict[str, Any] = {"project": project_id, "page": 1, "page_size": size}
        where["resolve_uri"] = "false"  # an image's address as it stands in the task, not as browsers have it
        where["query"] = _query(*conditions, *beyond)
        found = self._request("GET", "api/tasks", _page_of(kinds), params={**where, **params})
        return found["tasks"], found["total"]

    def _strange(self, what: str) -> Unavailable:
        return Unavailable(f"{self._url} answers a list of tasks {what}: that is not how Label Studio does.")


def _query(*conditions: Condition) -> str:
    """What to ask the Data Manager for: tasks for which all conditions hold, by id."""
    items = [
        {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}
        for column, operator, kind, value in conditions
    ]
    asked: dict[str, Any] = {"ordering": ["tasks:id"]}
    if items:
        asked["filters"] = {"conjunction": "and", "items": items}
    return json.dumps(asked)


def _page_of(kinds: dict[str, Any]) -> Callable[[Any], Task]:
    """A page of tasks with fields of these kinds. A page that is not empty has a total."""
    page, tasks = record("a page of tasks", tasks=list, total=int), records("a task", **kinds)

    def check(raw: Any) -> Task:
        found = page(raw)
        tasks(found["tasks"])
        if found["total"] > 0 and not found["tasks"]:
            raise OtherShape(f"an empty page, of {found['total']} tasks")
        return found

    return check
