"""The Data Manager's queries, as far as `GET /api/tasks` needs them: filters, ordering, pages."""

from __future__ import annotations

import operator
from datetime import datetime
from typing import Any

from tests.fakes.project import FakeProject
from tests.fakes.rows import Json

COMPARE = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "greater": operator.gt,
    "less": operator.lt,
    "greater_or_equal": operator.ge,
    "less_or_equal": operator.le,
    "in_list": lambda column, value: column in value,
}


def find(project: FakeProject, query: Json) -> list[int]:
    """Ids of the tasks that pass all filters (or one of them, where the conjunction is "or")."""
    filters = query.get("filters") or {}
    items = filters.get("items") or []
    if unknown := [item for item in items if not item["filter"].startswith("filter:tasks:")]:
        raise ValueError(f"unknown filter {unknown}")
    enough = any if filters.get("conjunction") == "or" else all
    found = [
        task
        for task, row in project.tasks.items()
        if not items or enough(_fits(project, row, i) for i in items)
    ]
    return _ordered(project, found, query.get("ordering") or [])


def page(found: list[int], number: int, size: int) -> list[int] | None:
    """One page of ids, counted from 1; None, for which Label Studio answers 404, past the end."""
    size = size if size > 0 else 100
    chosen = found[(number - 1) * size : number * size]
    return None if not chosen and number > 1 else chosen


def _fits(project: FakeProject, task: Json, item: Json) -> bool:
    column = item["filter"].removeprefix("filter:tasks:")
    kind, how, value = item["type"], item["operator"], item["value"]
    if column == "predictions_model_versions":
        if how != "contains":
            raise ValueError(f"no {how} of {column} here")
        names = [str(each["model_version"]).lower() for each in project.predictions.of(task["id"])]
        return any(str(part).lower() in name for part in value for name in names)  # as on SQLite
    if how == "empty":
        return (task[column] is None) == (value in (True, "true"))
    if how == "in":
        return _typed(kind, value["min"]) <= _typed(kind, task[column]) <= _typed(kind, value["max"])
    return bool(COMPARE[how](_typed(kind, task[column]), _typed(kind, value)))


def _typed(kind: str, value: Any) -> Any:
    if kind == "Datetime":
        return datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    if kind == "Boolean":
        return value in (True, "true", "True")
    if kind == "Number" and not isinstance(value, list):
        return float(value)
    return value


def _ordered(project: FakeProject, found: list[int], ordering: list[str]) -> list[int]:
    """By id where nothing else is asked for."""
    for column in reversed(ordering):
        name = column.lstrip("-").removeprefix("tasks:")
        found = sorted(found, key=lambda task: _sort_key(project, task, name), reverse=column.startswith("-"))
    return found if ordering else sorted(found)


def _sort_key(project: FakeProject, task: int, column: str) -> Any:
    if column == "predictions_score":  # of all versions together
        scores = [each["score"] for each in project.predictions.of(task) if each["score"] is not None]
        return min(scores, default=2.0)
    return project.tasks[task][column]
