"""What a control's networks say of whole contents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from backend.controls.base import CLASSES, Control, Region
from backend.learning.heads import ErrorHead
from backend.learning.network import LayeredNetwork, Layers
from backend.learning.reading import Head
from backend.learning.training import outputs
from backend.said.base import Contents, Likely, Said
from backend.sampling import uncertainty
from backend.sampling.registry import score
from backend.store.model_version import ControlModel


@dataclass(frozen=True)
class SaidOfWhole(Said):
    """layers: of each network by its name; shown: of the one by which the control decides, where need be
    within what each item offers; adapted: bool [N], of which items the logits that are shown are an adapted
    network's, None for of none."""

    control: Control
    layers: Mapping[str, Layers]
    shown: Layers
    adapted: Tensor | None = None

    def judged(self, head: Head) -> Tensor | None:
        own = self.layers.get(CLASSES)
        return None if own is None else head(own)

    def doubt(self) -> Tensor | None:
        own = self.layers.get(CLASSES)
        return None if own is None else uncertainty.margin(own.probabilities)

    def worth(self, strategy: str, scorer_head: Head | None) -> Tensor | None:
        """Whatever is offered."""
        own = self.layers.get(CLASSES)
        return None if own is None else score(strategy, own, scorer_head)

    def guesses(self, error_head: ErrorHead | None, shown_from: float) -> list[list[Region]]:
        """A region's own score is how likely it is right, by the error head where there is one. Where an
        answer may be left blank and nothing is likely, there is no region."""
        answers, confidences, right = self.control.decide(self.shown, self._right(error_head))
        if error_head is not None and error_head.is_calibrated and self.control.shows == CLASSES:
            right = confidences
        return [
            self.control.regions(answer, confidence) if sure >= shown_from else []
            for answer, confidence, sure in zip(answers, confidences, right, strict=True)
        ]

    def likely(self, most: int | None) -> list[Likely]:
        """A choice that an item does not offer is not among its own. Where several may be given they are
        probabilities of their own; otherwise all sum to 1."""
        likely, choices = self.control.likely(self.shown), self.control.choices
        kept = likely.topk(min(most or len(choices), len(choices)))
        there = self.shown.logits.isfinite().gather(-1, kept.indices)
        rows = zip(kept.values.tolist(), kept.indices.tolist(), there.tolist(), strict=True)
        return [
            {
                choices[i]: round(p, 4)
                for i, p, is_there in zip(indices, values, offered, strict=True)
                if is_there
            }
            for values, indices, offered in rows
        ]

    def with_adapted(self, logits: Tensor) -> SaidOfWhole:
        """With what an adapted network says. logits: float32 [n, C], of the first n items, for those that are
        shown; NaN where it is silent."""
        n, shown = len(logits), self.shown.logits.clone()
        adapted = torch.zeros(len(shown), dtype=torch.bool)
        adapted[:n] = ~logits.isnan().any(-1)
        not_offered = shown.isneginf()
        shown[adapted] = logits[adapted[:n]]
        shown.masked_fill_(not_offered, -torch.inf)
        return replace(self, shown=self.shown._replace(logits=shown), adapted=adapted)

    def _right(self, error_head: ErrorHead | None) -> Tensor | None:
        """How likely what the network would say is right: float [N], NaN where something else is shown; None
        where there is no head, or another network decides."""
        if error_head is None or self.control.shows != CLASSES or CLASSES not in self.layers:
            return None
        layers = self.layers[CLASSES]
        same = layers.logits.argmax(-1) == self.shown.logits.argmax(-1)
        if self.adapted is not None:
            same &= ~self.adapted
        return (1 - error_head(layers)).where(same, torch.nan)


def said_of_whole(model: ControlModel, contents: Contents) -> Said:
    """Each network asked once."""
    networks = {name: each for name, each in model.networks.items() if isinstance(each, LayeredNetwork)}
    layers = {name: outputs(network, contents.features) for name, network in networks.items()}
    shown, offers = layers[model.shown_by], contents.offers(model.control)
    return SaidOfWhole(model.control, layers, model.control.within(shown, offers) if offers else shown)
