"""What a label of items is worth that were not there when a version's queue was ranked."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from backend.said.base import Said
from backend.sampling.turns import due
from backend.store.model_version import ModelVersion


def worth_of(version: ModelVersion, said: Sequence[Said]) -> Tensor | None:
    """On the scale of `ModelVersion.queue_worth`, float [N]; None where that cannot be told.

    said: of N items, by the version's models, the one that orders the queue first.
    """
    if version.orders:
        return _together(version, said)
    return None if version.network is None else said[0].worth(version.strategy, version.scorer_head)


def _together(version: ModelVersion, said: Sequence[Said]) -> Tensor | None:
    """Of several controls: an item is due in the turn in which it is due first."""
    known = {each.control.from_name: each for each in said}
    total = sum(order.share for order in version.orders)
    dues = []
    for order in version.orders:
        own = known.get(order.control)
        worth = None if own is None else own.worth(version.strategy, order.scorer_head)
        if worth is None or not len(order.worth):
            return None
        dues.append(due(order.worth, worth, order.share / total))
    return -torch.stack(dues).min(dim=0).values
