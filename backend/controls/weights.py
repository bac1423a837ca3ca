"""Which controls order the queue, and how much each has a say: `sentiment=2,topic=1`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.controls.scheme import LabelScheme


def parse_weights(text: str) -> dict[str, float]:
    """By the control's name, in the order they are written. Raises ValueError, saying what to change."""
    found: dict[str, float] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, _, number = (each.strip() for each in part.rpartition("="))
        weight = _number(number)
        if not name or not math.isfinite(weight) or weight <= 0:
            example = "write names of controls and numbers above 0, as in sentiment=2,topic=1"
            raise ValueError(f"{part!r} is no weight: {example}")
        if name in found:
            raise ValueError(f"the control {name} is named twice")
        found[name] = weight
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def shares_of(scheme: LabelScheme, weights: Mapping[str, float]) -> dict[str, float]:
    """By control, its share of the queue, in (0, 1], all together 1: all of it the first control's where no
    weight is of it.
    """
    known = {name: weights[name] for name in _ordering(scheme) if name in weights}
    if scheme.main.from_name not in known:
        return {scheme.main.from_name: 1.0}
    total = sum(known.values())
    return {name: weight / total for name, weight in known.items()}


def own_weights(scheme: LabelScheme, text: str) -> dict[str, float]:
    """Those that a project's connection names. Raises ValueError, saying what to change."""
    weights, names = parse_weights(text), _ordering(scheme)
    unknown = [name for name in weights if name not in names]
    if unknown:
        raise ValueError(
            f"control_weights names {', '.join(unknown)}; the controls that are learned of this project: "
            f"{', '.join(names)}"
        )
    if weights and names[0] not in weights:
        raise ValueError(f"control_weights must name {names[0]} too, the control that orders the queue")
    return weights


def unknown_weights(scheme: LabelScheme, weights: Mapping[str, float]) -> str | None:
    """What to change where weights name controls that this project has not; None where none does.

    Where it has none of them at all they are taken for another project's.
    """
    names = _ordering(scheme)
    unknown = [name for name in weights if name not in names]
    if not unknown or len(unknown) == len(weights):
        return None
    return (
        f"CONTROL_WEIGHTS names {', '.join(unknown)}: of this project's label config no such control is "
        f"learned beside the others; there are: {', '.join(names)}"
    )


def _ordering(scheme: LabelScheme) -> list[str]:
    """The controls that may have a say in the queue."""
    return [each.from_name for each in scheme.controls if each.orders]
