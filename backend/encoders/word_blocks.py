"""The layers below the middle of a BERT-shaped network, out of which words are read, to be adapted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.nn.utils.rnn import pad_sequence

from backend.encoders.backbones import Depth, nothing
from backend.encoders.pieces import by_length, padded
from backend.encoders.sentence_blocks import LAST, LastLayers
from backend.encoders.word_layers import LayerWords, Marks, Window, pairs, pieces_of
from backend.encoders.words import WordEncoder


class WordBatch(NamedTuple):
    """The windows of some texts. x: float32 [W, T, D], what goes into the layers; real: float32 [W, T], 0 for
    padding; piece: int64 [P], places of the words' pieces in x's rows, flattened; word: int64 [P], the word
    that each is of; words: how many."""

    x: Tensor
    real: Tensor
    piece: Tensor
    word: Tensor
    words: int


class Read(NamedTuple):
    """Of one text. windows: float32 [T, D] each; window, place: int64 [P], where a word's piece lies; word:
    int64 [P]; words: how many."""

    windows: list[Tensor]
    window: Tensor
    place: Tensor
    word: Tensor
    words: int


class WordInputs:
    def __init__(self, texts: Sequence[Read], dims: int):
        self._texts = texts
        self._dims = dims

    def __len__(self) -> int:
        return len(self._texts)

    def batch(self, rows: Sequence[int], device: str = "cpu") -> WordBatch:
        chosen = [self._texts[row] for row in rows]
        found = [window for text in chosen for window in text.windows]
        x = pad_sequence(found, batch_first=True) if found else torch.zeros(0, 1, self._dims)
        lengths = torch.tensor([len(each) for each in found], dtype=torch.int64)
        real = (torch.arange(x.shape[1]) < lengths[:, None]).float()
        none = torch.zeros(0, dtype=torch.int64)
        pieces, owners, windows, words = [none], [none], 0, 0
        for text in chosen:
            pieces.append((text.window + windows) * x.shape[1] + text.place)
            owners.append(text.word + words)
            windows, words = windows + len(text.windows), words + text.words
        piece, word = torch.cat(pieces).to(device), torch.cat(owners).to(device)
        return WordBatch(x.to(device), real.to(device), piece, word, words)


class WordBackbone:
    """columns: how many numbers of a word's vector come from the layers, from its first on."""

    def __init__(self, reader: LayerWords, depth: Depth):
        self._reader = reader
        self._kept = 0 if depth == "all" else max(0, reader.depth - LAST)
        self.columns = reader.dims

    @torch.no_grad()  # inference mode's tensors could not be trained on
    def inputs(
        self, texts: Sequence[str], marks: Marks, batch_done: Callable[[], object] = nothing
    ) -> WordInputs:
        """The outputs of what stays as it is. marks: of each text's words; batch_done: called in between."""
        windows, offsets = self._reader.windows(texts)
        found = self._below(windows, batch_done)
        of_text: list[list[int]] = [[] for _ in texts]
        for i, window in enumerate(windows):
            of_text[window.text].append(i)
        read = [
            _read([windows[i] for i in own], [found[i] for i in own], pairs(where), pairs(words))
            for own, where, words in zip(of_text, offsets, marks, strict=True)
        ]
        return WordInputs(read, self._reader.dims)

    def sizes(self, texts: Sequence[str]) -> list[int]:
        """How many numbers `inputs` keeps of each."""
        sizes = [0] * len(texts)
        for window in self._reader.windows(texts)[0]:
            sizes[window.text] += len(window.ids) * self._reader.dims
        return sizes

    def _below(self, windows: Sequence[Window], batch_done: Callable[[], object]) -> list[Tensor]:
        """What goes into the layers that are adapted, float32 [T, D] of each window."""
        found = [torch.zeros(0)] * len(windows)
        device, bert = self._reader.placed()
        for batch in by_length([window.ids for window in windows]):
            rows, real = padded([windows[i].ids for i in batch], self._reader.padding)
            there = real.to(device)
            x = bert.through(bert.layers[: self._kept], bert.embedded(rows.to(device)), there)
            for i, row in zip(batch, x.cpu(), strict=True):
                found[i] = row[: len(windows[i].ids)].clone()
            batch_done()
        return found

    def blocks(self) -> WordBlocks:
        return WordBlocks(self._reader.placed.load(), self._kept, self._reader.depth)


def _read(windows: Sequence[Window], found: list[Tensor], offsets: Tensor, marks: Tensor) -> Read:
    """Of one text. found: float32 [T, D] of each window; offsets: of its pieces; marks: of its words."""
    where = [(n, each.start + k) for n, each in enumerate(windows) for k in range(each.end - each.begin)]
    window, place = pairs(where).unbind(1)  # of each of the text's pieces
    begins, ends = pieces_of(offsets, marks)
    counts = ends - begins
    word = torch.arange(len(marks)).repeat_interleave(counts)
    piece = torch.arange(len(word)) + (begins - (counts.cumsum(0) - counts))[word]
    return Read(found, window[piece], place[piece], word, len(marks))


def word_backbone(encoder: WordEncoder, depth: Depth) -> WordBackbone | None:
    """Of what reads words; None where it has no layers."""
    return WordBackbone(encoder.vectors, depth) if isinstance(encoder.vectors, LayerWords) else None


class WordBlocks(LastLayers):
    def forward(self, batch: WordBatch) -> Tensor:
        """Vectors of words, float32 [U, D], of length 1; zeros for a word without a piece."""
        x, real, piece, word, words = batch
        if not len(x):
            return x.new_zeros(words, x.shape[-1])
        pieces = self.bert.through(self.layers, x, real).flatten(0, 1)[piece]
        # The sum points where the mean does.
        return normalize(x.new_zeros(words, x.shape[-1]).index_add(0, word, pieces), dim=1)
