"""What a control's models say of N contents, whatever it is that they look at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from backend.controls.base import Control, Region
from backend.controls.impossible import Offered
from backend.learning.heads import ErrorHead
from backend.learning.reading import Head
from backend.learning.units import Units

Likely = dict[str, float]


class Contents(NamedTuple):
    """What is looked at, of N items. values: what stands in the tasks; features: float [N, D], a vector of
    each; offered: of each, None where none differs; units: the parts of each, None where no model asks."""

    values: Sequence[str]
    features: Tensor
    offered: Sequence[Offered] | None = None
    units: Units | None = None

    def offers(self, control: Control) -> list[Sequence[str] | None]:
        """What each item offers of what the control's answers say; [] where none differs."""
        found = [each.get(control.from_name) for each in self.offered or ()]
        return found if any(each is not None for each in found) else []


class Said(ABC):
    """Of one control."""

    control: Control

    @abstractmethod
    def judged(self, head: Head) -> Tensor | None:
        """What a head says that was trained on the model that orders the queue: float [N]; None where there
        is no such model of this control."""

    @abstractmethod
    def doubt(self) -> Tensor | None:
        """How undecided that model is, by margin: float [N], in [0, 1]; None as of `judged`."""

    @abstractmethod
    def worth(self, strategy: str, scorer_head: Head | None) -> Tensor | None:
        """What a label of each is worth, float [N], on the scale of the ranking; None where that cannot be
        told."""

    @abstractmethod
    def guesses(self, error_head: ErrorHead | None, shown_from: float) -> list[list[Region]]:
        """What to show of each. shown_from: what is less likely right is left out."""

    @abstractmethod
    def likely(self, most: int | None) -> list[Likely] | None:
        """How likely the choices are, the likeliest first: so many of each item, None for all. None where
        there are no choices about the whole."""
