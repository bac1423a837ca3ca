"""Annotations, or predictions, to be found by id and by task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


class Rows:
    """Each row has an `id` and a `task`."""

    def __init__(self) -> None:
        self._by_id: dict[int, Json] = {}
        self._by_task: dict[int, dict[int, Json]] = {}

    def add(self, row: Json) -> Json:
        self._by_id[row["id"]] = row
        self._by_task.setdefault(row["task"], {})[row["id"]] = row
        return row

    def remove(self, row_id: int) -> Json:
        row = self._by_id.pop(row_id)
        del self._by_task[row["task"]][row_id]
        return row

    def of(self, task: int) -> list[Json]:
        return list(self._by_task.get(task, {}).values())

    def get(self, row_id: int) -> Json | None:
        return self._by_id.get(row_id)

    def __iter__(self) -> Iterator[Json]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)
