"""What siblings see of a pool's items, asked once: strategies that learn anew while they pick ask again."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from backend.learning.units import UnitLayers


class Asked:
    """ask: as `UnitsLearned.by_siblings`; siblings: how many there are."""

    def __init__(self, ask: Callable[[Tensor, Tensor], UnitLayers], siblings: int):
        self._ask = ask
        self._siblings = siblings
        self._keys: Tensor | None = None
        self._known: UnitLayers

    def of(self, items: Tensor, which: Tensor) -> UnitLayers:
        """What `ask` answers. items: int64 [n]; which: int64 [n] in [0, siblings)."""
        keys = items * self._siblings + which
        new = keys.unique() if self._keys is None else keys[~torch.isin(keys, self._keys)].unique()
        if self._keys is None or len(new):
            self._keep(new, self._ask(new // self._siblings, new % self._siblings))
        assert self._keys is not None
        ordered, place = self._keys.sort()
        return self._known.of_items(place[torch.searchsorted(ordered, keys)])

    def _keep(self, new: Tensor, found: UnitLayers) -> None:
        if self._keys is None:
            self._keys, self._known = new, found
            return
        known = self._known
        self._keys = torch.cat([self._keys, new])
        item = torch.cat([known.item, found.item + known.items])
        self._known = UnitLayers(known.layers.with_rows(found.layers), item, known.items + found.items)
