"""Another model's predictions, which annotators go on seeing until there is a model of ours.

A version of ours orders the queue from the first moment on, but has nothing to show before two classes are
labelled. Label Studio shows the predictions of the version that orders; so it is given theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.project import Project
from backend.store.model_version import version_number


def others_version(client: LabelStudioClient, project: Project, before: str | None = None) -> str | None:
    """The version of another model's to be shown; None where there is none.

    That shown before; else the one that the project follows; else the one of most predictions.
    """
    sizes = {
        name: n for name, n in client.version_sizes(project.id).items() if n and not version_number(name)
    }
    for name in (before, project.model_version):
        if name in sizes:
            return name
    return max(sizes, key=lambda name: sizes[name], default=None)


def said_of(version: str) -> str:
    return f"the suggestions are those of {version} until two classes are labelled"


def with_suggestions(
    client: LabelStudioClient,
    project: Project,
    version: str | None,
    predictions: Sequence[dict[str, Any]],
    silent: AbstractSet[int] = frozenset(),
) -> list[dict[str, Any]]:
    """Predictions of ours, each with a `task`; those without regions with the other version's.

    Their order and scores stay. Regions that Label Studio would drop, and our prediction with them, are left
    out. version: None for no other; silent: tasks that are to carry no guess.
    """
    empty = [item["task"] for item in predictions if not item["result"] and item["task"] not in silent]
    if version is None or not empty:
        return list(predictions)
    found = {
        task["id"]: theirs["result"]
        for task in client.tasks_by_id(project.id, empty)
        for theirs in task.get("predictions") or []
        if theirs.get("model_version") == version
    }
    regions = fitting(project.label_config, found)
    return [{**item, "result": item["result"] or regions.get(item["task"], [])} for item in predictions]


def silenced(predictions: Sequence[dict[str, Any]], silent: AbstractSet[int]) -> list[dict[str, Any]]:
    """Predictions, each with a `task`, without a guess for these tasks."""
    return [{**item, "result": []} if item["task"] in silent else item for item in predictions]


def fitting(label_config: str, results: Mapping[int, Any]) -> dict[int, list[dict[str, Any]]]:
    """By task, the results that Label Studio takes for this label config."""
    if not results:
        return {}
    from label_studio_sdk.label_interface import LabelInterface  # takes long, and few projects need it

    interface = LabelInterface(label_config)
    return {task: result for task, result in results.items() if _fits(interface, result)}


def _fits(interface: Any, result: Any) -> bool:
    """By Label Studio's own check, which fails on some of what it does not know."""
    try:
        return not interface.validate_prediction({"result": result}, return_errors=True)
    except Exception:
        return False
