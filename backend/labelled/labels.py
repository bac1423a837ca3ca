"""One class out of whatever a cell holds: a word, a number, several choices, paths of a taxonomy."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from backend.labelstudio.export import class_of_choices, class_of_path


def class_in_cell(cell: Any) -> str:
    """ "" for an empty one. Label Studio writes several choices, and paths, as JSON also into CSV."""
    if isinstance(cell, str):
        cell = _parsed(cell.strip())
    if isinstance(cell, list | dict):
        chosen = [choice.strip() for choice in _choices(cell)]
        return class_of_choices(filter(None, chosen)) if any(chosen) else ""
    if isinstance(cell, bool):
        return str(cell).lower()
    return "" if cell is None else str(cell).strip()


def _parsed(text: str) -> Any:
    """What Label Studio wrote as JSON; any other text as it is, a word in brackets too."""
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _choices(cell: list[Any] | dict[str, Any]) -> Iterable[str]:
    """Of a list of choices, or of one region or a list of them, as Label Studio exports them."""
    for each in cell if isinstance(cell, list) else [cell]:
        if isinstance(each, dict):
            for chosen in (each.get("choices"), each.get("taxonomy")):
                yield from map(class_of_path, chosen if isinstance(chosen, list) else ())
        else:
            yield str(each)
