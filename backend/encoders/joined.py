"""Encoders side by side: each block of a vector is one encoder's, brought to length 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from backend.encoders.base import Encoder, EncoderKind, encoded, missing, suits


@dataclass(frozen=True)
class Joined:
    """parts: by the names of their kinds."""

    parts: tuple[tuple[str, Encoder], ...]

    @property
    def block_widths(self) -> tuple[int, ...]:
        """Of each part."""
        return tuple(encoder.dims for _, encoder in self.parts)

    @property
    def dims(self) -> int:
        return sum(self.block_widths)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Float32 [N, dims]; a block that says nothing is zeros."""
        return join([encoded(encoder, texts) for _, encoder in self.parts])

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Of each part, behind its place and a dot."""
        return {
            f"{place}.{name}": array
            for place, (_, encoder) in enumerate(self.parts)
            for name, array in encoder.arrays().items()
        }

    def suits(self, texts: Sequence[str]) -> bool:
        return all(suits(encoder, texts) for _, encoder in self.parts)


@dataclass(frozen=True)
class JoinedKind:
    """parts: kinds by their names."""

    parts: tuple[tuple[str, EncoderKind], ...]

    def missing(self) -> str | None:
        return next((problem for _, kind in self.parts if (problem := missing(kind)) is not None), None)

    def fit(self, texts: Sequence[str], *, seed: int = 0) -> Joined:
        return Joined(tuple((name, kind.fit(texts, seed=seed)) for name, kind in self.parts))

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Joined:
        """Raises what the parts' kinds raise, KeyError where there are arrays of none of them."""
        own: list[dict[str, np.ndarray[Any, Any]]] = [{} for _ in self.parts]
        for name, array in arrays.items():
            place, _, rest = name.partition(".")
            if not place.isdecimal() or int(place) >= len(own):
                raise KeyError(name)
            own[int(place)][rest] = array
        restored = [kind.restore(learned) for (_, kind), learned in zip(self.parts, own, strict=True)]
        return Joined(tuple((name, each) for (name, _), each in zip(self.parts, restored, strict=True)))


def parts_of(name: str, encoder: Encoder) -> tuple[tuple[str, Encoder], ...]:
    """The encoders side by side by their kinds; of another the one it is. name: of its own kind."""
    return encoder.parts if isinstance(encoder, Joined) else ((name, encoder),)


def join(blocks: Sequence[Tensor]) -> Tensor:
    """Blocks, float [N, D] each, side by side, float32 [N, sum of D]."""
    return torch.cat([normalize(block.float(), dim=1) for block in blocks], 1)
