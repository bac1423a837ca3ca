"""What a transfer head is, and which layers it reads.

What heads read is detached: training one never touches the classifier.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from backend.learning.network import Layers

Reads = Literal["last", "hidden", "all"]
"""The network's last hidden layer, all of its hidden layers, or truly all: the encoder's vector, too."""
READS: tuple[Reads, ...] = ("last", "hidden", "all")
Recipe = Literal["ours", "article"]
"""How a head is made: see `backend.learning.article_head`."""
HEADS: tuple[Recipe, ...] = ("ours", "article")


class Head(nn.Module):
    """A small model on what a network says of items: P(what it was trained to tell), float32 [N]."""

    kind: ClassVar[str]
    """By what a version's manifest knows it."""
    reads: Reads
    """Which layers."""

    @abstractmethod
    def described(self) -> dict[str, Any]:
        """What it takes to build it again, as JSON."""

    @classmethod
    @abstractmethod
    def restored(cls, described: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Head:
        """Out of `described()` and the state that the head had."""


def parts(layers: Layers, reads: Reads) -> list[Tensor]:
    """The layers to read, float [N, width] each, from the first on; not copied.

    Raises ValueError where there is no hidden layer, or, for all, no word of what went in: of these two one
    is enough.
    """
    if reads == "last":
        return [layers.last_hidden]
    if reads == "hidden":
        return [*layers.hidden[:-1], layers.last_hidden]
    if layers.features is None:
        raise ValueError("a head on all layers needs what went into the network, too")
    return [layers.features, *layers.hidden]


def block_scales(rows: Sequence[Tensor], blocks: Sequence[int] = ()) -> Tensor:
    """By what to divide each column so that no layer speaks louder than another, float [D in all].

    rows: the layers, float [M, width] each; blocks: widths of those that the first of them is made of, such
    as an encoder's middle and last one. Columns of one layer keep their proportions: the first directions of
    a vector carry the meaning and the last ones noise. All layers' inner products, M x M, come to the same
    size (Frobenius norm), so that one of few strong directions does not drown one of many.
    """
    scales = []
    for layer in [*rows[0].split(list(blocks) or [rows[0].shape[1]], dim=1), *rows[1:]]:
        centred = layer.float() - layer.float().mean(0)
        largest = centred.abs().max().clamp(min=1e-6)
        unit = centred / largest  # else the products of large numbers overflow
        inner = unit.T @ unit if layer.shape[1] < len(layer) else unit @ unit.T
        size = largest * torch.linalg.matrix_norm(inner / len(layer)).sqrt()
        scales.append(size.clamp(min=1e-6).expand(layer.shape[1]))
    return torch.cat(scales)
