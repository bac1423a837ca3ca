"""What is known here of contents that somebody else's ML backend answers: its answers are kept elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from backend.controls.base import CLASSES, Control, Region
from backend.learning.heads import ErrorHead
from backend.learning.network import Layers
from backend.learning.reading import Head
from backend.learning.units import UnitLayers
from backend.learning.wrapped import Answers, WrappedModel
from backend.said.base import Contents, Likely, Said
from backend.sampling import uncertainty
from backend.sampling.registry import score_units
from backend.store.model_version import ControlModel


@dataclass(frozen=True)
class SaidByAnother(Said):
    """Of contents without an answer at hand: by what they are like, each as if it had an average one."""

    control: Control
    model: WrappedModel = field(repr=False)
    features: Tensor = field(repr=False)

    @cached_property
    def _layers(self) -> Layers:
        items = len(self.features)
        nothing = torch.full((items, len(self.model.mean)), torch.nan)
        layers = self.model.layers(Answers(self.features, nothing, torch.full((items,), torch.nan)))
        return layers._replace(features=self.features)

    def judged(self, head: Head) -> Tensor | None:
        found: Tensor = head(self._layers)
        return found

    def doubt(self) -> Tensor | None:
        return uncertainty.margin(self._layers.probabilities)

    def worth(self, strategy: str, scorer_head: Head | None) -> Tensor | None:
        items = len(self.features)
        units = UnitLayers(self._layers, torch.arange(items), items)
        return score_units(strategy, units, self.features, scorer_head, "mean")

    def guesses(self, error_head: ErrorHead | None, shown_from: float) -> list[list[Region]]:
        """None of ours."""
        return [[] for _ in range(len(self.features))]

    def likely(self, most: int | None) -> list[Likely] | None:
        return None


def said_by_another(model: ControlModel, contents: Contents) -> Said:
    """Of contents without an answer at hand."""
    wrapped = model.networks[CLASSES]
    assert isinstance(wrapped, WrappedModel)
    return SaidByAnother(model.control, wrapped, contents.features)
