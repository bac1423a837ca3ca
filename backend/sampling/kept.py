"""Values of a scene that are computed when first asked for, once for all scenes that they hold for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from backend.sampling.scene import Scene

Value = TypeVar("Value")


def once_per_labels(compute: Callable[[Any], Value]) -> cached_property[Value]:
    """A cached value that depends on the labels alone, not on the pool: a narrowed scene takes it from the
    whole one, so that it is computed once."""

    def value(scene: Scene) -> Value:
        other = scene.whole or scene.origin
        if other is None:
            return compute(scene)
        shared: Value = getattr(other, compute.__name__)
        return shared

    return cached_property(value)


def once_per_pool(compute: Callable[[Any], Value]) -> cached_property[Value]:
    """A cached value that does not depend on what is picked: scenes of one pool share it."""

    def value(scene: Scene) -> Value:
        if scene.origin is None:
            return compute(scene)
        shared: Value = getattr(scene.origin, compute.__name__)
        return shared

    return cached_property(value)
