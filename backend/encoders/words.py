"""Texts to words with a vector each: what a tagger of spans reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from backend.encoders.pieces import readable
from backend.encoders.word_marks import word_marks
from backend.encoders.word_shape import SHAPE, shapes
from backend.learning.units import Units, pooled

KEPT = torch.float16
"""How a word's numbers are kept."""
GROUP = 500_000
"""Characters of the texts that are encoded together."""
Marks = Sequence[Sequence[tuple[int, int]]]


class Vectors(Protocol):
    """dims: numbers of a word; weight: how much its shape's numbers count beside them."""

    @property
    def dims(self) -> int: ...
    @property
    def weight(self) -> float: ...
    @property
    def is_cheap(self) -> bool: ...

    def __call__(self, texts: Sequence[str], marks: Marks) -> Tensor:
        """Of all words of the texts in their order, float32 [U, dims]. marks: of each text's words."""

    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """What tells its vectors from others."""


class WordEncoder:
    """A word's vector, and beside it how the word is written (`backend.encoders.word_shape`).

    name: says which vectors, the same for the same.
    """

    def __init__(self, name: str, vectors: Vectors):
        self.name = name
        self.vectors = vectors

    @property
    def dimensions(self) -> int:
        """Numbers of a word."""
        return self.vectors.dims + SHAPE

    @property
    def bytes_per_word(self) -> int:
        """Of its vector, as it is kept."""
        return self.dimensions * KEPT.itemsize

    @property
    def is_cheap(self) -> bool:
        """Whether it may encode a whole project while somebody waits."""
        return self.vectors.is_cheap

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What tells its vectors from those that were made otherwise under the same name."""
        return {**self.vectors.arrays(), "shape": np.array([SHAPE, self.vectors.weight], np.float32)}

    def encode(self, texts: Sequence[str]) -> Units:
        """A unit for each word of the part of a text that is read (`MAX_CHARS`).

        rows: float16 [U, dimensions]; marks: int64 [U, 2], start and end in code points of the text. A text
        gives the same whatever is encoded with it, but for the last bits.
        """
        cut = [readable(text) for text in texts]
        marks = [word_marks(text) for text in cut]
        rows = [torch.zeros(0, self.dimensions, dtype=KEPT)]
        for some in _groups(cut):
            contents, places = cut[some], marks[some]
            shape = shapes(contents, places) * self.vectors.weight
            rows.append(torch.cat([self.vectors(contents, places), shape], 1).to(KEPT))
        item = torch.arange(len(marks)).repeat_interleave(torch.tensor([*map(len, marks)], dtype=torch.int64))
        flat = torch.tensor([place for each in marks for place in each], dtype=torch.int64).view(-1, 2)
        return Units(torch.cat(rows), item, flat, len(marks))


def item_vectors(units: Units) -> Tensor:
    """The mean of each text's words, float32 [items, D]: what is compared with other texts."""
    return pooled(units.rows.float(), units.item, units.items)


def _groups(texts: Sequence[str]) -> Iterator[slice]:
    """Texts in a row of at most GROUP characters, or single ones."""
    begin = held = 0
    for i, text in enumerate(texts):
        if i > begin and held + len(text) > GROUP:
            yield slice(begin, i)
            begin, held = i, 0
        held += len(text)
    if begin < len(texts):
        yield slice(begin, len(texts))
