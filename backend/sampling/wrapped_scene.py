"""A scene of items that somebody else's model answers: it is known what it says, and where it was wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from backend.sampling.scene import Measure
from backend.sampling.unit_scene import UnitScene

NO_SIBLINGS = "a wrapped model has no siblings that could disagree: ordered by its own scores, by margin"


@dataclass(kw_only=True)
class WrappedScene(UnitScene):
    """Each item has one unit, whose probabilities are those of its answer being right and wrong, by its own
    word."""

    is_another_models: ClassVar[bool] = True
    most_verdicts: ClassVar[int | None] = None

    def divided(self, measure: Measure) -> Tensor:
        if NO_SIBLINGS not in self.notes:
            self.notes.append(NO_SIBLINGS)
        return self.margin
