"""A classifier that shows all its layers, and many of them trained as one.

A `LayeredNetwork` holds K *members* of the same shape with their weights stacked, so that the
network that serves and its k-fold siblings are one batched matrix multiplication, not K loops.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

HIDDEN = (64,)
"""Widths of the hidden layers: enough for a few dozen classes, small enough to train in a second.
A second layer cost 0.01 to 0.05 macro-F1 at 300 labels on three of four text sets, so there is one."""


class Layers(NamedTuple):
    """Everything a forward pass saw, per member: the hidden layers first to last, then the logits."""

    hidden: tuple[Tensor, ...]
    """Each float32 [K, N, width]."""
    logits: Tensor
    """float32 [K, N, C]."""

    @property
    def last_hidden(self) -> Tensor:
        """What the error head reads: float32 [K, N, width of the last hidden layer]."""
        return self.hidden[-1]

    @property
    def all_hidden(self) -> Tensor:
        """What the domain head reads: all hidden layers side by side, float32 [K, N, sum of widths]."""
        return torch.cat(self.hidden, dim=-1)


class StackedLinear(nn.Module):
    """K linear layers applied at once. All members start from the same weights.

    The common start keeps the members' hidden units comparable: unit j means about the same in
    every fold, so a head may be trained on rows that come from different members.
    """

    def __init__(self, members: int, inputs: int, outputs: int, generator: torch.Generator):
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        weight = torch.empty(1, inputs, outputs).uniform_(-bound, bound, generator=generator)
        self.weight = nn.Parameter(weight.repeat(members, 1, 1))
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        # [N, in] or [K, N, in]  ->  [K, N, out]
        return torch.matmul(x, self.weight) + self.bias


@dataclass(frozen=True)
class Shape:
    """What it takes to build a network again."""

    inputs: int
    classes: int
    members: int = 1
    hidden: tuple[int, ...] = HIDDEN


class LayeredNetwork(nn.Module):
    """Feed-forward classifier whose forward returns every layer (Munro, ch. 3: "all layers")."""

    def __init__(self, shape: Shape, seed: int = 0):
        super().__init__()
        self.shape = shape
        generator = torch.Generator().manual_seed(seed)
        widths = (shape.inputs, *shape.hidden, shape.classes)
        self.layers = nn.ModuleList(
            StackedLinear(shape.members, widths[i], widths[i + 1], generator) for i in range(len(widths) - 1)
        )

    def forward(self, x: Tensor) -> Layers:
        """x: float32 [N, inputs], rows of about unit length."""
        # Unit vectors of many dimensions have tiny entries; a quarter of sqrt(dims) brings them to
        # the size at which both GELU's bend and the weight decay matter (measured: 1 and 16 are worse).
        x = x * (math.sqrt(self.shape.inputs) / 4)
        hidden = []
        for layer in self.layers[:-1]:
            x = torch.nn.functional.gelu(layer(x))
            hidden.append(x)
        return Layers(tuple(hidden), self.layers[-1](x))

    @property
    def matrices(self) -> list[Tensor]:
        """The weights without the biases, float32 [K, in, out] each: what a penalty acts on."""
        return [layer.weight for layer in self.layers if isinstance(layer, StackedLinear)]

    def member(self, index: int) -> LayeredNetwork:
        """One member as a network of its own (a copy)."""
        shape = Shape(self.shape.inputs, self.shape.classes, 1, self.shape.hidden)
        alone = LayeredNetwork(shape)
        alone.load_state_dict({name: value[index : index + 1] for name, value in self.state_dict().items()})
        return alone
