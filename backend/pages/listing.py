"""The list of projects: one line each, with what a team lead would ask first."""

from __future__ import annotations

from dataclasses import dataclass

from backend.jobs.dispatch import Dispatcher
from backend.jobs.measures import Measures
from backend.jobs.state import known_projects
from backend.settings import Settings
from backend.store.locations import stored_projects


@dataclass(frozen=True)
class Listed:
    """labels, tasks, waiting: None before the first retrain; unseen: changes that no retrain has seen; aside:
    why it is left alone, None where it is not."""

    id: int
    labels: int | None
    tasks: int | None
    waiting: int | None
    unseen: int
    is_training: bool
    is_connected: bool
    aside: str | None


def listed_projects(settings: Settings, dispatcher: Dispatcher) -> list[Listed]:
    known = sorted({*known_projects(dispatcher.redis), *stored_projects(settings)})
    numbers = Measures(dispatcher.redis).of_each(known)
    return [_listed(dispatcher, *each) for each in zip(known, numbers, strict=True)]


def _listed(dispatcher: Dispatcher, project: int, numbers: dict[str, float]) -> Listed:
    told = (numbers.get(name) for name in ("labels", "tasks", "waiting"))
    labels, tasks, waiting = (None if each is None else int(each) for each in told)
    is_training, state = dispatcher.is_retraining(project), dispatcher.state(project)
    return Listed(
        id=project,
        labels=labels,
        tasks=tasks,
        waiting=waiting,
        unseen=state.unseen,
        is_training=is_training,
        is_connected=not state.disconnected,
        aside=state.aside,
    )
