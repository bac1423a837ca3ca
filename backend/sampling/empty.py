"""Items that have no unit, such as empty texts: no strategy sees them, and they stand behind all others."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from backend.sampling.batches import Pick, chances_of, rounds_of
from backend.sampling.picks import Picks
from backend.sampling.scene import Scene

NAME = "random"
"""By what they are chosen, once all others are picked."""


def behind_others(pick: Pick, scene: Scene, n: int) -> Picks:
    """Picks of the part of a scene that has units, and only then of the rest, by lot; nothing is picked."""
    none = scene.without_unit
    if none is None:
        return pick(scene, n)
    rows = (~none).nonzero().squeeze(1)
    found = pick(scene.without_picked(rows), min(n, len(rows))) if len(rows) else Picks(rows)
    rest = scene.shuffled[none[scene.shuffled]][: n - len(found.indices)]
    by = (*(found.by or (None,) * len(found.indices)), *(NAME,) * len(rest))
    left = int(none.sum()) - torch.arange(len(rest), dtype=torch.float64)
    return replace(
        found,
        indices=torch.cat([rows[found.indices], rest]),
        worth=None if found.worth is None else _behind(found.worth, rows, scene.size),
        by=by,
        rounds=torch.cat([rounds_of(found), torch.ones(len(rest), dtype=torch.int64)]),
        chance=torch.cat([chances_of(found), 1 / left]),
    )


def _behind(worth: Tensor, rows: Tensor, size: int) -> Tensor:
    """Of all items, those without a unit below the others: float [N]."""
    lowest = float(worth.min()) - 1 if len(worth) else 0.0
    whole = worth.new_full((size,), lowest)
    whole[rows] = worth
    return whole
