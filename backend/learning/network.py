"""A classifier that shows all its layers, and many of them trained as one.

A `LayeredNetwork` holds K *members* of the same shape with their weights stacked, so that the
network that serves and its k-fold siblings are one batched matrix multiplication, not K loops.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

HIDDEN = (64,)
"""Widths of the hidden layers: enough for a few dozen classes, small enough to train in a second.
A second layer cost 0.01 to 0.05 macro-F1 at 300 labels on three of four text sets, so there is one."""


_FIRST = "layers.0.weight"
"""Of all the weights those that act on the features, [K, inputs, out]."""


class Layers(NamedTuple):
    """Everything a forward pass saw: the hidden layers first to last, then the logits.

    Of all K members each tensor is [K, N, width]; of one member, [N, width].
    """

    hidden: tuple[Tensor, ...]
    """float32, each as wide as its layer."""
    logits: Tensor
    """float32, as wide as there are classes."""
    features: Tensor | None = None
    """What went in, float [N, D]: the very tensor, not a copy. None where nobody kept it."""

    @property
    def probabilities(self) -> Tensor:
        return self.logits.softmax(-1)

    @property
    def last_hidden(self) -> Tensor:
        """What the error head reads as a rule. Raises ValueError for a network without hidden layers."""
        if not self.hidden:
            raise ValueError("this network has no hidden layer: heads need one")
        return self.hidden[-1]

    @property
    def all_layers(self) -> Tensor:
        """Hidden layers and logits side by side: what model-based outliers compare."""
        return torch.cat([*self.hidden, self.logits], dim=-1)

    def rows(self, index: Tensor | slice) -> Layers:
        """Of one member: the layers of these items only."""
        features = None if self.features is None else self.features[index]
        return Layers(tuple(layer[index] for layer in self.hidden), self.logits[index], features)

    def with_rows(self, others: Layers) -> Layers:
        """Of one member: the layers of these items, and behind them of others."""
        hidden = tuple(torch.cat(pair) for pair in zip(self.hidden, others.hidden, strict=True))
        features = None
        if self.features is not None and others.features is not None:
            features = torch.cat([self.features, others.features])
        return Layers(hidden, torch.cat([self.logits, others.logits]), features)

    def to(self, device: torch.device | str) -> Layers:
        """The same on another device."""
        features = None if self.features is None else self.features.to(device)
        return Layers(tuple(layer.to(device) for layer in self.hidden), self.logits.to(device), features)


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

    def forward(self, x: Tensor, scale: float = 1.0) -> Tensor:
        """x: [N, in], the same for all members, or [K, N, in]; returns [K, N, out] of `scale * x`."""
        weight = self.weight * scale  # scaling the few weights instead of the many rows
        if x.dim() == 3 and len(x) > 1:
            return torch.baddbmm(self.bias, x, weight)
        # One wide product instead of K narrow ones: each row of x is read once. Output by input, as
        # `linear` wants it, since that is up to four times faster where the output is narrow.
        wide = weight.transpose(1, 2).flatten(0, 1).contiguous()  # [K * out, in]
        rows = x if x.dim() == 2 else x[0]
        out = torch.nn.functional.linear(rows, wide, self.bias.flatten())  # [N, K * out]
        return out.view(len(rows), *self.bias.shape[::2]).transpose(0, 1)


@dataclass(frozen=True)
class Shape:
    """What it takes to build a network again."""

    inputs: int
    classes: int
    members: int = 1
    hidden: tuple[int, ...] = HIDDEN


class LayeredNetwork(nn.Module):
    """Feed-forward classifier whose forward returns every layer (Munro, ch. 3: "all layers")."""

    kind = "network"
    """By what a version's manifest knows it."""

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
        scale = self.scale
        hidden = []
        for layer in self.layers[:-1]:
            x = torch.nn.functional.gelu(layer(x, scale))
            hidden.append(x)
            scale = 1.0
        return Layers(tuple(hidden), self.layers[-1](x, scale))

    def described(self) -> dict[str, Any]:
        """What it takes to build it again, as JSON."""
        return {"kind": self.kind, **asdict(self.shape)}

    @classmethod
    def restored(cls, described: Mapping[str, Any], weights: Mapping[str, Tensor]) -> LayeredNetwork:
        """Out of `described()` and the state that it had."""
        inputs, classes, members = (described[name] for name in ("inputs", "classes", "members"))
        network = cls(Shape(inputs, classes, members, tuple(described["hidden"])))
        network.load_state_dict(weights)
        return network

    @property
    def scale(self) -> float:
        """Of what goes in. Unit vectors of many dimensions have tiny entries; a quarter of sqrt(dims) brings
        them to the size at which both GELU's bend and the weight decay matter (measured: 1 and 16 are worse).
        """
        return math.sqrt(self.shape.inputs) / 4

    def cool(self, temperature: float) -> None:
        """Divide the logits by it, from now on."""
        with torch.no_grad():
            for weights in self.layers[-1].parameters():
                weights.div_(temperature)

    def take_over_scaling(self, center: Tensor, size: Tensor) -> None:
        """Be, of rows x, what it was of (x - center) / size, from now on. center: float32 [inputs]; size: a
        number, or float32 [inputs]."""
        first = self.layers[0]
        assert isinstance(first, StackedLinear)
        with torch.no_grad():
            first.weight.div_(size.view(-1, 1))
            first.bias.sub_(center[None, None] @ first.weight * self.scale)

    @property
    def readout(self) -> StackedLinear:
        """The last layer, from the last hidden one to the logits."""
        last = self.layers[-1]
        assert isinstance(last, StackedLinear)
        return last

    @property
    def matrices(self) -> list[Tensor]:
        """The weights without the biases, float32 [K, in, out] each: what a penalty acts on."""
        return [layer.weight for layer in self.layers if isinstance(layer, StackedLinear)]

    def seen_through(self, basis: Tensor) -> LayeredNetwork:
        """The same network for what features have along a basis, orthonormal float32 [inputs, B] (a copy)."""
        narrow = LayeredNetwork(replace(self.shape, inputs=basis.shape[1])).to(basis.device)
        state = self.state_dict()
        narrow.load_state_dict({**state, _FIRST: basis.T @ state[_FIRST]})
        return narrow

    def take_over(self, narrow: LayeredNetwork, basis: Tensor) -> None:
        """The way back: all weights of `narrow`, and none for what features have beside the basis."""
        state = narrow.state_dict()
        self.load_state_dict({**state, _FIRST: basis @ state[_FIRST]})

    def members(self, which: slice) -> LayeredNetwork:
        """Some of the members as a network of their own (a copy)."""
        state = {name: value[which].clone() for name, value in self.state_dict().items()}
        count = len(range(self.shape.members)[which])
        alone = LayeredNetwork(replace(self.shape, members=count))
        alone.load_state_dict(state)
        return alone
