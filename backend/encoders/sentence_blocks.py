"""The last layers of a BERT-shaped sentence encoder, to be adapted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.rnn import pad_sequence

from backend.encoders.backbones import Depth, nothing
from backend.encoders.bert import Bert, Part
from backend.encoders.pieces import by_length, padded
from backend.encoders.placed import Placed

LAST = 2
"""Layers that are adapted where not all are."""
Windows = Callable[[Sequence[str]], tuple[list[list[int]], list[int]]]
"""Texts to the pieces of each window, and whose text it is, rising."""
Pooling = Callable[[Tensor, Tensor], Tensor]


class SentenceBatch(NamedTuple):
    """The windows of B texts. x: float32 [W, T, D], what goes into the last layers; real: float32 [W, T], 0
    for padding; owner: int64 [W], whose window it is; texts: B."""

    x: Tensor
    real: Tensor
    owner: Tensor
    texts: int


class SentenceInputs:
    """windows: float32 [T, D] each; of_text: which of them are each text's."""

    def __init__(self, windows: Sequence[Tensor], of_text: Sequence[Sequence[int]], dims: int):
        self._windows = windows
        self._of_text = of_text
        self._dims = dims

    def __len__(self) -> int:
        return len(self._of_text)

    def batch(self, rows: Sequence[int], device: str = "cpu") -> SentenceBatch:
        chosen = [(place, window) for place, row in enumerate(rows) for window in self._of_text[row]]
        found = [self._windows[window] for _, window in chosen]
        x = pad_sequence(found, batch_first=True) if found else torch.zeros(0, 1, self._dims)
        lengths = torch.tensor([len(each) for each in found], dtype=torch.int64)
        real = (torch.arange(x.shape[1]) < lengths[:, None]).float()
        owner = torch.tensor([place for place, _ in chosen], dtype=torch.int64)
        return SentenceBatch(x.to(device), real.to(device), owner.to(device), len(rows))


class SentenceBackbone:
    """Its LAST layers, or all of them, but not what words are looked up in."""

    def __init__(self, placed: Placed[Bert], windows: Windows, pooling: Pooling, depth: Depth, padding: int):
        self._placed = placed
        self._bert = bert = placed.load()
        self._cut = windows
        self._pooling = pooling
        self._kept = 0 if depth == "all" else max(0, len(bert.layers) - LAST)
        self.columns = bert.dims
        self._padding = padding

    @torch.no_grad()  # inference mode's tensors could not be trained on
    def inputs(self, contents: Sequence[str], batch_done: Callable[[], object] = nothing) -> SentenceInputs:
        windows, owners = self._cut(contents)
        found = [torch.zeros(0)] * len(windows)
        device, bert = self._placed()
        for batch in by_length(windows):
            ids, real = (each.to(device) for each in padded([windows[i] for i in batch], self._padding))
            x = bert.through(bert.layers[: self._kept], bert.embedded(ids), real)
            for i, row in zip(batch, x.cpu(), strict=True):
                found[i] = row[: len(windows[i])].clone()
            batch_done()
        of_text: list[list[int]] = [[] for _ in contents]
        for owner, of_owner in groupby(range(len(owners)), key=owners.__getitem__):
            of_text[owner] = list(of_owner)
        return SentenceInputs(found, of_text, self._bert.dims)

    def sizes(self, contents: Sequence[str]) -> list[int]:
        sizes = [0] * len(contents)
        for window, owner in zip(*self._cut(contents), strict=True):
            sizes[owner] += len(window) * self._bert.dims
        return sizes

    def blocks(self) -> SentenceBlocks:
        return SentenceBlocks(self._bert, self._kept, self._pooling)


class LastLayers(nn.Module):
    """Layers of `bert` from number `first` to `end`, copied."""

    def __init__(self, bert: Bert, first: int, end: int | None = None):
        super().__init__()
        self.bert = bert
        self.layers = [
            {name: self._copied(f"{i}/{name.replace('.', '/')}", part) for name, part in layer.items()}
            for i, layer in enumerate(bert.layers[:end])
            if i >= first
        ]

    def _copied(self, name: str, part: Part) -> Part:
        weight, bias = nn.Parameter(part.weight.clone()), nn.Parameter(part.bias.clone())
        self.register_parameter(f"{name}/weight", weight)
        self.register_parameter(f"{name}/bias", bias)
        return Part(weight, bias)


class SentenceBlocks(LastLayers):
    """The layers of `bert` from number `first` on, copied."""

    def __init__(self, bert: Bert, first: int, pooling: Pooling):
        super().__init__(bert, first)
        self._pooling = pooling

    def forward(self, batch: SentenceBatch) -> Tensor:
        """Unit vectors, float32 [B, D]; a text without windows becomes the zero vector."""
        x, real, owner, texts = batch
        vectors = x.new_zeros(texts, x.shape[-1])
        if len(owner):
            pooled = self._pooling(self.bert.through(self.layers, x, real), real)
            vectors = vectors.index_add(0, owner, pooled * real.sum(1, keepdim=True))
        return normalize(vectors, dim=1)
