"""Sentence vectors from the pieces' vectors of a network: windows over long texts, pooled by mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import normalize

from backend.encoders.backbones import Depth
from backend.encoders.bert import Bert
from backend.encoders.pieces import by_length, padded, readable
from backend.encoders.placed import Movable, Placed
from backend.encoders.sentence_blocks import SentenceBackbone
from backend.encoders.word_layers import LayerWords

Pooling = Callable[[Tensor, Tensor], Tensor]
"""vectors, float32 [B, T, D], and which are real, float32 [B, T], to one each, float32 [B, D]."""


class Network(Movable, Protocol):
    """From published files."""

    def __call__(self, pieces: Tensor, real: Tensor) -> Tensor:
        """float32 [B, T, D]. pieces: int64 [B, T]; real: [B, T], 0 for padding."""


def mean(vectors: Tensor, real: Tensor) -> Tensor:
    return (vectors * real[:, :, None]).sum(1) / real.sum(1, keepdim=True)


def first(vectors: Tensor, real: Tensor) -> Tensor:
    return vectors[:, 0]


class SentenceEncoder:
    """A text of more than `window` pieces is read in windows; its vector is the mean of theirs, each with the
    weight of its pieces.

    digest: uint8 [32], tells these weights from all others; told: arrays beside it. prefix: what the model
    wants before each text.
    """

    pretrained = True

    def __init__(
        self,
        network: Network,
        tokenizer: Tokenizer,
        digest: npt.NDArray[np.uint8],
        *,
        dims: int,
        window: int,
        pooling: Pooling = mean,
        prefix: str = "",
        padding: int = 0,
        told: Mapping[str, npt.NDArray[Any]] = MappingProxyType({}),
    ):
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._network = network
        self._placed = Placed(lambda: network)
        self._tokenizer = tokenizer
        self._digest = digest
        self.dims = dims
        self._room = window - tokenizer.num_special_tokens_to_add(False)
        self._pooling = pooling
        self._prefix = prefix
        self._padding = padding
        self._told = told

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"digest": self._digest, **self._told}

    def backbone(self, depth: Depth) -> SentenceBackbone | None:
        """The network to be adapted; None where it has no layers to tell apart."""
        network = self._network
        if not isinstance(network, Bert):
            return None
        return SentenceBackbone(Placed(lambda: network), self._windows, self._pooling, depth, self._padding)

    def words(self) -> LayerWords | None:
        """Reads words in the middle of the network; None where it has no layers to tell apart."""
        if not isinstance(self._network, Bert):
            return None
        return LayerWords(
            self._network,
            self._tokenizer,
            self._digest,
            room=self._room,
            prefix=self._prefix,
            padding=self._padding,
        )

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors, float32 [N, dims]; an empty text becomes the zero vector."""
        windows, owners = self._windows(texts)
        device, network = self._placed()
        vectors = torch.zeros(len(texts), self.dims)
        for batch in by_length(windows):
            ids, real = padded([windows[i] for i in batch], self._padding)
            there = real.to(device)
            pooled = self._pooling(network(ids.to(device), there), there).cpu()
            weight = real.sum(1, keepdim=True)
            vectors.index_add_(0, torch.tensor([owners[i] for i in batch]), pooled * weight)
        return normalize(vectors, dim=1)

    def _windows(self, texts: Sequence[str]) -> tuple[list[list[int]], list[int]]:
        """The pieces of each window, with the model's own marks around them, and whose text it is."""
        windows, owners = [], []
        for owner, text in enumerate(texts):
            if not text.strip():
                continue
            encoding = self._tokenizer.encode(self._prefix + readable(text), add_special_tokens=False)
            encoding.truncate(max(1, self._room))
            for part in [encoding, *encoding.overflowing]:
                windows.append(self._tokenizer.post_process(part).ids)
                owners.append(owner)
        return windows, owners
