"""How a version's queue came about: kept with it, so that of each task can be told why it stands there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]
_TENSORS = ("chosen_by", "rounds", "chances", "in_turn_of", "silent", "centers")


def _whole(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.int64)


@dataclass(frozen=True)
class QueueOrigin:
    """ranked: of the queue's tasks those that the strategy ranked, which stand first; then come `copies`,
    then those that were not encoded yet. All is 0 of a version of a release before this was kept.

    by: names of what chose tasks; of the n that were chosen, which stand before all others: chosen_by:
    int64 [n], which name; rounds: int64 [n], from 1; chances: float64 [n], NaN where nobody knows.
    controls: names of those that order the queue together, the first of them first; in_turn_of: int64 [n], in
    whose turn each that was chosen came; both empty where one control orders it.
    silent: int64 [m], places in the queue, from 0, whose tasks carry no guess: those drawn for an audit, and
    as many others.
    centers: float32 [k, D], unit vectors, of the clusters of all tasks that waited, the largest first.
    """

    ranked: int = 0
    copies: int = 0
    by: tuple[str, ...] = ()
    chosen_by: Tensor = field(default_factory=lambda: _whole(0))
    rounds: Tensor = field(default_factory=lambda: _whole(0))
    chances: Tensor = field(default_factory=lambda: _whole(0).double())
    controls: tuple[str, ...] = ()
    in_turn_of: Tensor = field(default_factory=lambda: _whole(0))
    silent: Tensor = field(default_factory=lambda: _whole(0))
    centers: Tensor = field(default_factory=lambda: _whole(0, 0).float())

    @property
    def is_known(self) -> bool:
        return self.ranked + self.copies > 0

    @property
    def bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.tensors().values())

    def tensors(self) -> dict[str, Tensor]:
        """What `from_parts` takes beside `described`."""
        return {name: getattr(self, name) for name in _TENSORS}

    def described(self) -> dict[str, Any]:
        """The rest, as JSON."""
        return {
            "ranked": self.ranked,
            "copies": self.copies,
            "by": list(self.by),
            "controls": list(self.controls),
        }

    @classmethod
    def from_parts(cls, described: Mapping[str, Any] | None, tensors: Tensors) -> QueueOrigin:
        """None of releases before. Raises KeyError or TypeError for what neither wrote."""
        if described is None:
            return cls()
        by, controls = tuple(map(str, described["by"])), tuple(map(str, described.get("controls", ())))
        kept = {name: tensors[name] for name in _TENSORS if name in tensors}
        return cls(int(described["ranked"]), int(described["copies"]), by, controls=controls, **kept)
