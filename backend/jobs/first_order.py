"""A project's first order: whoever has connected it waits for that, so it is of what was read soon."""

from __future__ import annotations

import math

from backend.labelstudio.project import Project

SECONDS = 15.0
"""That Label Studio may list tasks for it: of a large project it is of the first tasks, by their numbers."""


def seconds_to_pull(*, has_order: bool) -> float:
    return math.inf if has_order else SECONDS


def unread(project: Project, tasks: int, *, has_order: bool) -> int:
    """How many tasks the first order is made without, of so many that were read; 0 for any later one, and
    where none was read, of which there is no order."""
    return 0 if has_order or not tasks else max(0, project.task_count - tasks)


def notes_on_unread(tasks: int, left: int) -> list[str]:
    """left: as `unread` has it."""
    return [f"a first order of the first {tasks} of {tasks + left} tasks; one of all follows"] if left else []
