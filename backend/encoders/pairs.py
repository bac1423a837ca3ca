"""Two texts that are compared: what the left one's vector has more of than the right one's.

With the sides changed over a vector is the opposite one, so that what is learned of left and right is what
makes a text preferred, not where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backend.encoders.base import Encoder, EncoderKind, encoded, is_cheap, is_pretrained, missing, suits
from backend.pairs import sides


@dataclass(frozen=True)
class Pairs:
    """inner: of single texts."""

    inner: Encoder

    @property
    def dims(self) -> int:
        return self.inner.dims

    @property
    def pretrained(self) -> bool:
        return is_pretrained(self.inner)

    @property
    def is_cheap(self) -> bool:
        return is_cheap(self.inner)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Float32 [N, dims], left less right. texts: pairs as `backend.pairs` writes them; a text that is in
        several of them is encoded once."""
        both = [side for text in texts for side in sides(text)]
        place = {text: i for i, text in enumerate(dict.fromkeys(both))}
        vectors = encoded(self.inner, list(place))
        rows = torch.tensor([place[side] for side in both], dtype=torch.int64).reshape(-1, 2)
        return vectors[rows[:, 0]] - vectors[rows[:, 1]]

    def arrays(self) -> Mapping[str, np.ndarray[Any, Any]]:
        return self.inner.arrays()

    def suits(self, texts: Sequence[str]) -> bool:
        return suits(self.inner, singles(texts))


@dataclass(frozen=True)
class PairsKind:
    inner: EncoderKind

    def missing(self) -> str | None:
        return missing(self.inner)

    def fit(self, texts: Sequence[str], *, seed: int = 0) -> Pairs:
        return Pairs(self.inner.fit(singles(texts), seed=seed))

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Pairs:
        return Pairs(self.inner.restore(arrays))


def singles(texts: Sequence[str]) -> list[str]:
    """The texts that pairs consist of, each once."""
    return list(dict.fromkeys(side for text in texts for side in sides(text)))
