"""An item's units: a text's tokens, an image's cells or boxes.

Doubt, verdicts and heads are measured per unit, then pooled to the item, never the other way round. Whatever
is geometry works on one vector per item.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from backend.learning.network import Layers

Pooling = Literal["mean", "top"]
"""From units to their item: the mean of all, or of the largest few."""
TOP = 3
"""Units that "top" takes the mean of: an image has many empty cells, and a few that matter."""


class Units(NamedTuple):
    """rows: float [U, D], what a network reads of each; item: int64 [U], rising, in [0, items), of which item
    each is; marks: [U, k], where in the item it lies (a token's first character and the one behind its last;
    a cell's or box's x, y, width, height); items: how many there are, some of which may have no unit.
    """

    rows: Tensor
    item: Tensor
    marks: Tensor
    items: int


class UnitLayers(NamedTuple):
    """What a network saw of U units. layers: each [U, width], one hidden layer at least, which heads read (a
    linear learner gives what it reads itself), with features where the learner keeps them; item, items: see
    `Units`."""

    layers: Layers
    item: Tensor
    items: int

    def pooled(self, values: Tensor, pooling: Pooling = "mean") -> Tensor:
        """Of each item: float [items] of values [U], or [items, width] of [U, width]; 0 without a unit."""
        return pooled(values, self.item, self.items, pooling)

    @property
    def counts(self) -> Tensor:
        """How many units each item has: int64 [items]."""
        return torch.bincount(self.item, minlength=self.items)

    def to(self, device: torch.device | str) -> UnitLayers:
        """The same on another device."""
        return UnitLayers(self.layers.to(device), self.item.to(device), self.items)

    def units_of(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """The units of some items, in these items' order, int64 [u], and for each the place of its item among
        them, int64 [u]. items: int64 [n], in [0, items), in any order."""
        counts = self.counts
        starts = counts.cumsum(0) - counts
        own = counts[items]
        place = torch.arange(len(items), device=items.device).repeat_interleave(own)
        first = (starts[items] - (own.cumsum(0) - own))[place]
        return first + torch.arange(len(place), device=items.device), place

    def of_items(self, items: Tensor) -> UnitLayers:
        """What the network saw of these items only, in this order. items: int64 [n]."""
        units, place = self.units_of(items)
        return UnitLayers(self.layers.rows(units), place, len(items))

    def mean_layers(self) -> Layers:
        """A row per item: every layer's mean over the item's units."""
        hidden = tuple(self.pooled(layer) for layer in self.layers.hidden)
        likely = self.pooled(self.layers.probabilities)
        return Layers(hidden, likely.clamp(min=1e-9).log())


@dataclass(frozen=True)
class UnitsLearned:
    """What a learner of units gives to whoever ranks: the same of tokens, boxes and cells.

    pool: the serving network's layers over the N items that wait; held_out: of the M labelled items, by
    networks that never saw them; correct: bool [units of held_out], whether that is right; n_siblings: K;
    members: what each of the K siblings says of the pool's units, float32 [K, U, C]; by_siblings: pool items,
    int64 [n], and a sibling for each, int64 [n] in [0, K), -> what these siblings see of their units, whose
    `item` is the place among the n; pooling: of a unit's numbers.
    labeled: the serving network's layers over the M labelled items, where the learner has them (else
    strategies take `held_out`); last_layer: its weight, float [width, C], and bias, float [C], for
    dropout (else found by least squares, of which nothing is wrong where the network ends in a linear layer);
    weights: float [units of held_out], how much each verdict counts, None where all count the same.
    """

    pool: UnitLayers
    held_out: UnitLayers
    correct: Tensor
    n_siblings: int
    members: Callable[[], Tensor]
    by_siblings: Callable[[Tensor, Tensor], UnitLayers]
    pooling: Pooling = "mean"
    labeled: UnitLayers | None = None
    last_layer: tuple[Tensor, Tensor] | None = None
    weights: Tensor | None = None

    def to(self, device: torch.device | str) -> UnitsLearned:
        """The same on another device; siblings are asked where they are."""
        home = self.correct.device
        return replace(
            self,
            pool=self.pool.to(device),
            held_out=self.held_out.to(device),
            correct=self.correct.to(device),
            members=lambda: self.members().to(device),
            by_siblings=lambda items, which: self.by_siblings(items.to(home), which.to(home)).to(device),
            labeled=None if self.labeled is None else self.labeled.to(device),
            last_layer=None
            if self.last_layer is None
            else (self.last_layer[0].to(device), self.last_layer[1].to(device)),
            weights=None if self.weights is None else self.weights.to(device),
        )


def rows_of_items(item: Tensor, items: int) -> tuple[Tensor, ...]:
    """Of each item its rows, rising: int64 each. item: int64 [n], whose each row is, in any order."""
    order = item.argsort(stable=True)
    return order.split(torch.bincount(item, minlength=items).tolist())


def pooled(values: Tensor, item: Tensor, items: int, pooling: Pooling = "mean") -> Tensor:
    """values: float [U] or [U, width]; item: int64 [U], rising. Returns float [items] or [items, width]; 0
    of items without a unit."""
    if pooling == "top":
        values, item = _largest(values, item)
    total = values.new_zeros(items, *values.shape[1:]).index_add_(0, item, values)
    count = torch.bincount(item, minlength=items).clamp(min=1)
    return total / count.view(-1, *[1] * (values.dim() - 1))


def _largest(values: Tensor, item: Tensor) -> tuple[Tensor, Tensor]:
    """The TOP largest values of each item, and whose they are. values: float [U]."""
    by_value = values.argsort(descending=True, stable=True)
    order = by_value[item[by_value].argsort(stable=True)]
    owner = item[order]
    first = torch.searchsorted(owner, owner, right=False)
    kept = torch.arange(len(owner), device=owner.device) - first < TOP
    return values[order][kept], owner[kept]


def last_layer_of(layers: Layers, most: int = 4_096) -> tuple[Tensor, Tensor]:
    """Weight, float32 [width, C], and bias, float32 [C], by which the last hidden layer becomes logits, as
    the units show it: by least squares over `most` of them, evenly spread."""
    some = torch.linspace(0, len(layers.logits) - 1, min(most, len(layers.logits))).round().long()
    hidden = layers.last_hidden[some].double()
    inputs = torch.cat([hidden, hidden.new_ones(len(hidden), 1)], dim=1)
    found = torch.linalg.lstsq(inputs.cpu(), layers.logits[some].double().cpu(), driver="gelsd").solution
    weight = found.float().to(hidden.device)
    return weight[:-1], weight[-1]
