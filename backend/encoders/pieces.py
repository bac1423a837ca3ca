"""Texts as pieces, and batches of pieces, for encoders that were trained elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

MAX_CHARS = 20_000
"""Characters read of each text; what a document is about shows long before its end."""
BUDGET = 2048
"""Pieces of a batch, with what fills up the shorter texts: more are no faster, and take more memory."""


def readable(text: str) -> str:
    """The part that is read. Half of a surrogate pair, which JSON may carry, is no UTF-8."""
    return text[:MAX_CHARS].encode("utf-8", "replace").decode()


def by_length(pieces: Sequence[Sequence[int]], budget: int = BUDGET) -> Iterator[list[int]]:
    """Batches, as indices, of alike lengths, longest first: hardly anything is filled up.

    A batch has `budget` pieces at most, or is a single text. Texts without pieces are in none.
    """
    batch: list[int] = []
    for i in sorted(range(len(pieces)), key=lambda i: -len(pieces[i])):
        if not pieces[i]:
            break
        if batch and len(pieces[batch[0]]) * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def padded(pieces: Sequence[Sequence[int]], fill: int = 0) -> tuple[Tensor, Tensor]:
    """The pieces, int64 [B, T], and which of them are real, float32 [B, T]."""
    rows = [torch.tensor(each) for each in pieces]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=fill)
    lengths = torch.tensor([len(each) for each in pieces])
    return ids, (torch.arange(ids.shape[1]) < lengths[:, None]).float()
