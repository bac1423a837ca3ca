"""Train a network and its k-fold siblings at once in steps, each on a few of very many items.

`training.train` looks at all items in each of its iterations, so it reads thousands; this one is for many
times as many, of which each step sees some (Adam, Kingma & Ba 2015; the rate rises and falls once, Smith &
Topin 2018, "Super-convergence"). All members see the same items in a step, in one wide product; those that
one must not see weigh nothing for it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.learning.network import LayeredNetwork, Shape
from backend.learning.training import groups, stratified_folds

STEPS, AT_ONCE = 200, 1_024
"""Of a training, and items in each."""
RATE = 0.01
"""The largest length of a step."""
RISING = 0.2
"""The share of the steps in which the rate rises."""
DROPPED = 0.2
"""Of the hidden numbers, in each step others (Srivastava et al. 2014)."""


class Stepped(NamedTuple):
    """network: of 1 + folds members, the first trained on all items; fold_of: int64 [M], the sibling (counted
    from 0) that did not see an item."""

    network: LayeredNetwork
    fold_of: Tensor


def train_in_steps(
    features: Tensor,
    targets: Tensor,
    chances: Tensor,
    n_classes: int,
    *,
    hidden: tuple[int, ...],
    folds: int,
    seed: int = 0,
    device: str = "cpu",
    together: Tensor,
) -> Stepped:
    """features: float32 [M, D], rows of about unit length; targets: int64 [M] in [0, n_classes); chances:
    float32 [M], how likely each is to be among a step's items; together: as in `training.train`.

    What is drawn is settled by the seed, whatever the device. Raises ValueError with fewer than two different
    targets.
    """
    if len(targets.unique()) < 2:
        raise ValueError("training needs labelled items of at least two classes")
    first, which = groups(together, len(targets))
    folds = min(folds, len(first))
    fold_of = stratified_folds(targets[first], folds, seed)[which]
    network = LayeredNetwork(Shape(features.shape[1], n_classes, folds + 1, hidden), seed).to(device)
    _walk(network, features, targets, fold_of, chances, seed)
    return Stepped(network, fold_of)


def _walk(
    network: LayeredNetwork, features: Tensor, targets: Tensor, fold_of: Tensor, chances: Tensor, seed: int
) -> None:
    """Each member's mean loss of those items that it may see goes down, step by step."""
    device, folds = next(network.parameters()).device, network.shape.members - 1
    chance = torch.Generator().manual_seed(seed)
    at_once = min(AT_ONCE, len(features))
    drawn = torch.multinomial(chances, STEPS * at_once, replacement=True, generator=chance)
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS, pct_start=RISING)
    members = torch.arange(-1, folds)[:, None]  # the first, -1, was not kept from any fold
    for items in drawn.split(at_once):
        seen = (fold_of[items] != members).float()
        weights = (seen / seen.sum(1, keepdim=True).clamp(min=1)).to(device)
        logits = _with_some_dropped(network, features[items].to(device), chance)  # [1 + folds, n, C]
        repeated = targets[items].repeat(folds + 1).to(device)
        each = F.cross_entropy(logits.flatten(0, 1), repeated, reduction="none").view_as(weights)
        optimizer.zero_grad()
        (each * weights).sum().backward()
        optimizer.step()
        rate.step()


def _with_some_dropped(network: LayeredNetwork, rows: Tensor, chance: torch.Generator) -> Tensor:
    """Logits, float32 [K, n, C], by some of the hidden numbers alone, the same ones for all members."""
    seen, scale = rows, network.scale
    for layer in network.layers[:-1]:
        seen, scale = F.gelu(layer(seen, scale)), 1.0
        kept = torch.rand(seen.shape[1:], generator=chance) >= DROPPED
        seen = seen * (kept / (1 - DROPPED)).to(seen.device)
    return network.readout(seen)
