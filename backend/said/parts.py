"""What a control's model says of the parts of contents: words, boxes, cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from backend.controls.base import Answer, Region
from backend.controls.regions import RegionControl
from backend.learning.heads import ErrorHead
from backend.learning.reading import Head
from backend.learning.units import UnitLayers
from backend.said.base import Contents, Likely, Said
from backend.sampling import uncertainty
from backend.sampling.registry import score_units


@dataclass(frozen=True)
class SaidOfParts(Said):
    """units: the model's layers over the contents' parts."""

    control: RegionControl
    contents: Contents
    units: UnitLayers
    answers: Sequence[Answer] = ()
    confidences: Sequence[Sequence[float]] = ()
    """See `marked`."""
    means: Tensor | None = None
    """What stands for each content where the ranking compared them, float [N, D]; None for its vector."""

    @property
    def vectors(self) -> Tensor:
        return self.contents.features if self.means is None else self.means

    def judged(self, head: Head) -> Tensor:
        """Of an item as its parts are pooled: an error head judges parts, another head their mean."""
        if not isinstance(head, ErrorHead):
            return head(self.units.mean_layers()._replace(features=self.vectors))
        layers = self.units.layers
        if head.reads == "all" and layers.features is None:
            layers = layers._replace(features=self.vectors[self.units.item])
        return self.units.pooled(head(layers), self.control.pooling)

    def doubt(self) -> Tensor:
        return self.units.pooled(uncertainty.margin(self.units.layers.probabilities), self.control.pooling)

    def worth(self, strategy: str, scorer_head: Head | None) -> Tensor | None:
        return score_units(strategy, self.units, self.vectors, scorer_head, self.control.pooling)

    def marked(self) -> tuple[Sequence[Answer], Sequence[Sequence[float]]]:
        """Of each content what it would mark, and how sure it is of each part of that, in [0, 1]."""
        return self.answers, self.confidences

    def guesses(self, error_head: ErrorHead | None, shown_from: float) -> list[list[Region]]:
        """Each region with its own score; those that are less sure are left out, and so are labels that an
        item does not offer."""
        answers, confidences = self.marked()
        offers = self.contents.offers(self.control) or [None] * len(answers)
        found = zip(answers, confidences, self.contents.values, offers, strict=True)
        return [
            self._shown(self.control.regions_of(answer, sure, value), offer, shown_from)
            for answer, sure, value, offer in found
        ]

    def _shown(self, regions: list[Region], offer: Sequence[str] | None, shown_from: float) -> list[Region]:
        """What draws a part has the id of what labels it, and no score."""
        shown = {
            region["id"]
            for region in regions
            if region.get("score", -1) >= shown_from
            and (offer is None or set(self.control.said_in(region)) <= set(offer))
        }
        return [region for region in regions if region["id"] in shown]

    def likely(self, most: int | None) -> list[Likely] | None:
        return None

    def with_marked(self, answers: Sequence[Answer], confidences: Sequence[Sequence[float]]) -> SaidOfParts:
        """With others to show of the first items."""
        n = len(answers)
        return replace(
            self,
            answers=[*answers, *self.answers[n:]],
            confidences=[*confidences, *self.confidences[n:]],
        )
