"""Items as adapted networks see them, and a classifier with verdicts on that.

A network whose layers were adapted to an item's label cannot be asked whether it would have got it right. So
each labelled item is of a fold, and there are as many adapted networks as folds, each of which never saw one,
beside the one that was adapted to all labels. What an item is to each of them is a view of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from backend.learning.network import LayeredNetwork, Layers, Shape
from backend.learning.training import OutOfFold, Trained, layers_by_member, train_network


class Views(NamedTuple):
    """Of N items. of_all: float32 [N, D], by the network that was adapted to all labels; of_folds: float32
    [K, N, D], by those that were adapted without a fold each."""

    of_all: Tensor
    of_folds: Tensor

    def rows(self, rows: Tensor) -> Views:
        """Of some of the items, by their numbers: int64 [n]."""
        return Views(self.of_all[rows], self.of_folds[:, rows])


def train_on_views(
    views: Views, targets: Tensor, n_classes: int, fold_of: Tensor, *, seed: int = 0, device: str = "cpu"
) -> Trained:
    """The classifier on what the network of all labels gives; its siblings, each on what a fold's network
    gives of the other folds; and verdicts, on each item by the sibling of its fold.

    views: of the M labelled items; targets: int64 [M] in [0, n_classes); fold_of: int64 [M] in [0, K). Items
    that were labelled since the layers were adapted may be of any fold.
    Raises ValueError where all items, or all but a fold, are of one class.
    """
    network = train_network(views.of_all, targets, n_classes, seed=seed, device=device)
    rests = [(fold_of != fold).nonzero()[:, 0] for fold in range(len(views.of_folds))]
    each = [
        train_network(of_fold[rest], targets[rest], n_classes, seed=seed, device=device)
        for of_fold, rest in zip(views.of_folds, rests, strict=True)
    ]
    siblings = stacked(each)
    rows = torch.arange(len(targets))
    held_out: Layers = layers_by_member(siblings, views.of_folds[fold_of, rows], fold_of)
    correct = held_out.logits.argmax(-1).cpu() == targets.cpu()
    return Trained(network, siblings, OutOfFold(held_out, correct), fold_of)


def stacked(networks: Sequence[LayeredNetwork]) -> LayeredNetwork:
    """Networks of one member and the same shape as one network of as many members."""
    shape, states = networks[0].shape, [network.state_dict() for network in networks]
    device = next(networks[0].parameters()).device
    made = LayeredNetwork(Shape(shape.inputs, shape.classes, len(networks), shape.hidden)).to(device)
    made.load_state_dict({name: torch.cat([state[name] for state in states]) for name in states[0]})
    return made
