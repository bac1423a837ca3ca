"""Adapt the last blocks of a pretrained network to the labels, together with the classifier on top.

The classifier is fitted first, on the vectors as they are: from an untrained one the steps that it would take
to become useful spoil the blocks below (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and
Underperform Out-of-Distribution").
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from backend.learning.answers import losses, weights
from backend.learning.network import LayeredNetwork
from backend.learning.training import WEIGHT_DECAY, train_choices, train_network

EPOCHS = 8
STEP = 16
"""Items of a step."""
RATE, HEAD_RATE = 2e-4, 1e-3
"""Highest learning rates of the one cycle, of the blocks and of the classifier."""
DECAY = 0.01
"""AdamW's, on the blocks."""
LONGEST_GRADIENT = 1.0
"""Of the blocks, of the classifier: longer ones are cut."""


class Inputs(Protocol):
    """What goes into the blocks, of N items."""

    def __len__(self) -> int: ...

    def batch(self, rows: Sequence[int], device: str = "cpu") -> Any:
        """Of some of the items, as the blocks take it."""


@dataclass(frozen=True)
class Material:
    """What there is to learn from, of M labelled items.

    features: float32 [M, D], as the pretrained encoder gives them; blocks: gives their columns from `start`
    on, float32 [B, columns], of a batch of `inputs`; targets: int64 [M] or bool [M, C] (`answers`).
    """

    features: Tensor
    inputs: Inputs
    blocks: nn.Module
    start: int
    targets: Tensor
    n_classes: int

    def __len__(self) -> int:
        return len(self.targets)


class Adapted(NamedTuple):
    """blocks: those of the material, trained; network: the classifier on what they give, of one member."""

    blocks: nn.Module
    network: LayeredNetwork


def fitted(material: Material, rows: Tensor, *, seed: int, device: str) -> LayeredNetwork:
    """The classifier on the features as they are, by these items: int64 [m]."""
    features, targets = material.features[rows], material.targets[rows]
    if targets.dtype == torch.bool:
        return train_choices(features, targets, seed=seed, device=device)
    return train_network(features, targets, material.n_classes, seed=seed, device=device)


def fine_tune(
    material: Material,
    rows: Tensor,
    network: LayeredNetwork,
    *,
    seed: int = 0,
    device: str = "cpu",
    step_done: Callable[[], object] = lambda: None,
) -> Adapted:
    """Train copies of the blocks and of `network`, which `fitted` gave, on these items: int64 [m].

    step_done: called after each step; what it raises ends the training.
    """
    blocks, network = copy.deepcopy(material.blocks).to(device), copy.deepcopy(network).to(device)
    targets = material.targets[rows].to(device)
    counts = weights(targets, material.n_classes)
    steps = EPOCHS * -(-len(rows) // STEP)
    optimizer = torch.optim.AdamW(
        [
            {"params": list(blocks.parameters()), "weight_decay": DECAY},
            {"params": list(network.parameters()), "weight_decay": 0.0},  # has its own penalty
        ]
    )
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, [RATE, HEAD_RATE], total_steps=max(2, steps))
    chance = torch.Generator().manual_seed(seed)
    for _ in range(EPOCHS):
        for some in torch.randperm(len(rows), generator=chance).split(STEP):
            batch = adapted_features(material, blocks, rows[some], device)
            each = losses(network(batch).logits[0], targets[some]) * counts[some]
            squares = torch.stack([(matrix**2).sum() for matrix in network.matrices]).sum()
            optimizer.zero_grad()
            (each.mean() + squares * (WEIGHT_DECAY / len(rows))).backward()
            for part in (blocks, network):
                nn.utils.clip_grad_norm_(part.parameters(), LONGEST_GRADIENT)
            optimizer.step()
            cycle.step()
            step_done()
    return Adapted(blocks, network)


def adapted_features(material: Material, blocks: nn.Module, rows: Tensor, device: str) -> Tensor:
    """The features with what the blocks give in their columns, float32 [m, D]. rows: int64 [m]."""
    found = blocks(material.inputs.batch(rows.tolist(), device))
    return beside(material.features[rows].to(device), found, material.start)


def beside(features: Tensor, columns: Tensor, start: int) -> Tensor:
    """Features with other columns from `start` on. float32 [N, D], [N, columns]."""
    end = start + columns.shape[1]
    return torch.cat([features[:, :start], columns, features[:, end:]], 1)
