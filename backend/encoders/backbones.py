"""Pretrained networks whose last blocks can be adapted to a project's labels.

A backbone is a network cut in two: what stays as it is, whose outputs can be kept, and the last blocks,
copies of which are trained. The block of numbers that it gives within an encoder's vector is what changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from torch import nn

from backend.encoders.joined import Joined

Depth = Literal["last", "all"]
DEPTHS: dict[str, Depth] = {"last": "last", "all": "all"}
"""How many blocks are adapted, by the word of a setting."""


def nothing() -> None:
    """What is done where there is nothing to do."""


class Inputs(Protocol):
    """What goes into the last blocks, of N items."""

    def __len__(self) -> int: ...

    def batch(self, rows: Sequence[int], device: str = "cpu") -> Any:
        """Of some of the items, as the blocks take it."""


class Backbone(Protocol):
    """columns: how many numbers of the encoder's vector come from the blocks, from its first on."""

    @property
    def columns(self) -> int: ...

    def inputs(self, contents: Sequence[Any], batch_done: Callable[[], object] = nothing) -> Inputs:
        """The outputs of what stays as it is. batch_done: is called now and then; what it raises ends it."""

    def sizes(self, contents: Sequence[Any]) -> list[int]:
        """How many numbers `inputs` keeps of each."""

    def blocks(self) -> nn.Module:
        """The last blocks with weights of their own, those that were published: a batch to the encoder's
        vectors, float32 [B, D]."""


class Measured(Protocol):
    """dims: numbers of a vector."""

    @property
    def dims(self) -> int: ...


class Adaptable(NamedTuple):
    """backbone: whose vectors are the columns from `start` to `end` of the encoder's."""

    backbone: Backbone
    start: int
    end: int


def adaptable(encoder: Measured, depth: Depth) -> Adaptable | None:
    """The part of an encoder, of texts or images, that can be adapted, by its own `backbone(depth)`; None
    where none can.

    Of encoders side by side it is the first that has a backbone.
    """
    start = 0
    parts: list[Measured] = [each for _, each in encoder.parts] if isinstance(encoder, Joined) else [encoder]
    for part in parts:
        asked = getattr(part, "backbone", None)
        backbone: Backbone | None = None if asked is None else asked(depth)
        if backbone is not None:
            return Adaptable(backbone, start, start + backbone.columns)
        start += part.dims
    return None
