"""Answers of annotators that the label config does not know, so that nothing is learned of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from backend.controls.scheme import LabelScheme
from backend.controls.tags import shortened

SHOWN = 5
"""Answers that a message names."""


def unknown_answers(annotations: Iterable[Any], scheme: LabelScheme) -> tuple[str, ...]:
    """The unknown answers of one task's annotations, each once: `c: "Sea"` for a choice that control c has
    not, `old` for a control that the config has not. Never raises."""
    controls = {control.from_name: control for control in scheme.controls}
    known = {*scheme.beside, *(name for control in scheme.controls for name in control.names)}
    found: dict[str, None] = {}
    for region in _regions(annotations):
        name = region.get("from_name")
        if not isinstance(name, str):
            continue
        control = controls.get(name)
        if control is None:
            found |= {} if name in known else {shortened(name): None}
            continue
        unknown = control.unknown_in(region)
        if unknown is None:
            found[f"{shortened(name)} as {_written(region.get('type'))}"] = None
        else:
            found |= {f"{shortened(name)}: {_written(given)}": None for given in unknown}
    return tuple(found)


def unknown_in_words(counts: Counter[str]) -> str | None:
    """counts: of how many tasks each unknown answer is. None where there are none."""
    if not counts:
        return None
    named = [f"{answer} (tasks: {count})" for answer, count in counts.most_common(SHOWN)]
    more = [f"{len(counts) - SHOWN} more"] if len(counts) > SHOWN else []
    return f"annotations name what the label config does not know: {', '.join([*named, *more])}"


def _regions(annotations: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Of what was submitted, not skipped."""
    for annotation in annotations:
        if isinstance(annotation, dict) and not annotation.get("was_cancelled"):
            result = annotation.get("result")
            if isinstance(result, list):
                yield from (region for region in result if isinstance(region, dict))


def _written(given: Any) -> str:
    try:
        written = json.dumps(given, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        written = "no choice"
    return shortened(written).encode("utf-8", "replace").decode()
