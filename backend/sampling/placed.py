"""A scene on the device that ranks it, where that pays: the pool, with what was learned from the labels.

A graphics card ranks what fits into its memory. "mps" has no float64, which lots and designs are reckoned in,
so there networks alone run on it, and strategies on the processor.
"""

from __future__ import annotations

import copy
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from torch import Tensor, nn

from backend.learning import devices
from backend.learning.network import Layers
from backend.learning.units import UnitsLearned
from backend.sampling.scene import Scene

COPIES = 4
"""Pools that a strategy may need memory for at once: unit rows, distances, and what it keeps of them."""
Value = TypeVar("Value")


def placed(scene: Scene) -> Scene:
    """The same scene where it is ranked; itself where that is where it lies."""
    device = devices.ranks_on(scene.device, COPIES * 4 * scene.numbers)
    return scene if device == devices.CPU else _there(scene, device)


def _there(scene: Scene, device: str) -> Scene:
    own: dict[str, Any] = {
        field.name: value.to(device)
        for field in fields(scene)
        if isinstance(value := getattr(scene, field.name), Tensor | UnitsLearned)
    }
    own["strata"] = {name: moved(each, device) for name, each in scene.strata.items()}
    there = replace(scene, **own, given=moved(scene.given, device), origin=None, of_the_pool={})
    if not scene.trains_its_own:
        there.error_head = moved(scene.error_head, device)  # is fitted once, and kept with the version
    return there


def moved(value: Value, device: str) -> Value:
    """A copy on a device: of a tensor, a module, layers, or a dataclass of such. Other values as they are."""
    found: Any = value
    if isinstance(value, Tensor | Layers):
        found = value.to(device)
    elif isinstance(value, nn.Module):
        found = copy.deepcopy(value).to(device)
    elif is_dataclass(value) and not isinstance(value, type):
        found = replace(
            value, **{each.name: moved(getattr(value, each.name), device) for each in fields(value)}
        )
    return found
