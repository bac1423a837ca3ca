"""Items with units: pools of ragged ones, and what a learner says of them."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from backend.learning.training import Trained, layers_by_member, member_probabilities, outputs, train
from backend.learning.units import Pooling, UnitLayers, Units, UnitsLearned, pooled

NO_MARKS = torch.zeros(0, 0, dtype=torch.int64)


def units_of(rows: Tensor, counts: Tensor) -> Units:
    """rows: float [U, D]; counts: int64 [items], adding up to U."""
    item = torch.arange(len(counts)).repeat_interleave(counts)
    return Units(rows, item, torch.zeros(len(rows), 0, dtype=torch.int64), len(counts))


def ragged(items: int, most: int = 5, *, least: int = 1, dims: int = 6, seed: int = 0) -> Units:
    """Unit vectors, from least to most of them in an item."""
    chance = torch.Generator().manual_seed(seed)
    counts = torch.randint(least, most + 1, (items,), generator=chance)
    rows = torch.randn(int(counts.sum()), dims, generator=chance)
    return units_of(torch.nn.functional.normalize(rows, dim=1), counts)


def vectors_of(units: Units) -> Tensor:
    """An item's own vector: the mean of its units' rows, float [items, D]."""
    return pooled(units.rows, units.item, units.items)


def by_sign(units: Units) -> Tensor:
    """Each unit's class, int64 [U]: the sign of its first number."""
    return (units.rows[:, 0] > 0).long()


def learned_by(
    trained: Trained, pool: Units, labeled: Units, pooling: Pooling = "mean", *, bare: bool = False
) -> UnitsLearned:
    """What a classifier of units says. bare: without what a learner may leave out."""
    siblings, item = trained.siblings, pool.item
    seen = UnitLayers(outputs(trained.network, pool.rows)._replace(features=None), item, pool.items)

    def by_siblings(items: Tensor, which: Tensor) -> UnitLayers:
        units, place = seen.units_of(items)
        layers = layers_by_member(siblings, pool.rows[units], which[place])
        return UnitLayers(layers._replace(features=None), place, len(items))

    weight, bias = (part.detach() for part in trained.network.layers[-1].parameters())
    of_labeled = outputs(trained.network, labeled.rows)._replace(features=None)
    return UnitsLearned(
        seen,
        UnitLayers(trained.out_of_fold.layers, labeled.item, labeled.items),
        trained.out_of_fold.correct,
        siblings.shape.members,
        lambda: member_probabilities(siblings, pool.rows),
        by_siblings,
        pooling,
        None if bare else UnitLayers(of_labeled, labeled.item, labeled.items),
        None if bare else (weight[0], bias[0, 0]),
    )


@cache
def trained_on(labeled_items: int = 30, least: int = 1, seed: int = 1) -> tuple[Units, Trained]:
    """Labelled items with ragged units, and a classifier of their units. Shared: nobody may change them."""
    labeled = ragged(labeled_items, seed=seed, least=least)
    together = labeled.item if labeled_items > 2 else None
    return labeled, train(labeled.rows, by_sign(labeled), 2, together=together)
