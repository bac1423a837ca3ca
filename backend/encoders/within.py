"""Encode as many texts as fit into a time, in pieces that grow with what an encoder can do."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic as clock

import torch
from torch import Tensor

from backend.encoders.base import Encoder, encoded

FIRST = 4
"""Texts of the first piece: so many are encoded whatever the time."""
LARGEST = 1024
"""Texts of a piece."""
PIECE_SECONDS = 0.5
"""How long a piece should take: the clock is looked at after each."""


def encoded_within(encoder: Encoder, texts: Sequence[str], seconds: float) -> tuple[Tensor, float]:
    """The vectors of the first n texts, float32 [n, dims], n >= min(FIRST, N), and the texts a second.

    The first text is encoded once more, before the clock starts: many encoders load what they need then.
    """
    if not texts:
        return torch.zeros(0, encoder.dims), float("inf")
    encoded(encoder, texts[:1])
    began = clock()
    parts: list[Tensor] = []
    done, size, spent = 0, FIRST, 0.0
    while done < len(texts) and (not done or spent < seconds):
        piece = texts[done : done + size]
        parts.append(encoded(encoder, piece))
        done += len(piece)
        spent = max(clock() - began, 1e-9)
        room = min(PIECE_SECONDS, max(seconds - spent, 0)) * done / spent
        size = max(1, min(2 * size, LARGEST, int(room)))
    return torch.cat(parts), done / spent
