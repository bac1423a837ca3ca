"""The tasks of a Label Studio export, as far as they have the form of such."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def tasks_of(values: Iterable[Any]) -> list[dict[str, Any]]:
    """Those that have data, each with the annotations that can be read. What has another form counts as not
    there."""
    return [
        {**each, "annotations": [given for given in _list(each.get("annotations")) if _is_readable(given)]}
        for each in values
        if isinstance(each, dict) and isinstance(each.get("data"), dict)
    ]


def regions_of(tasks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Of all annotations that were not skipped. tasks: of `tasks_of`."""
    for task in tasks:
        for annotation in task["annotations"]:
            if not annotation.get("was_cancelled"):
                yield from annotation["result"]


def _is_readable(annotation: Any) -> bool:
    regions = annotation.get("result") if isinstance(annotation, dict) else None
    return isinstance(regions, list) and all(
        isinstance(each, dict) and isinstance(each.get("value", {}), dict) for each in regions
    )


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []
