"""What a model guesses of items: the regions to show, and how likely each choice is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from backend.controls.base import CLASSES, Control, Region
from backend.learning.network import Layers
from backend.learning.training import outputs
from backend.store.model_version import ModelVersion

LIKELIEST = 10
"""Choices whose probabilities a prediction carries unless all are asked for."""


Offered = Mapping[str, Sequence[str]]
"""By control whose tasks differ in what may be said: what one of them offers. See `LabelScheme.offered`."""


class Said(NamedTuple):
    """What a control's networks say of N items: each network's layers by its name. shown: of the one by which
    it decides, where need be within what each item offers; adapted: bool [N], of which items the logits that
    are shown are an adapted network's, None for of none."""

    control: Control
    layers: Mapping[str, Layers]
    shown: Layers
    adapted: Tensor | None = None

    def with_adapted(self, logits: Tensor) -> Said:
        """logits: float32 [n, C], of the first n items, for those that are shown; NaN where it is silent."""
        n, shown = len(logits), self.shown.logits.clone()
        adapted = torch.zeros(len(shown), dtype=torch.bool)
        adapted[:n] = ~logits.isnan().any(-1)
        not_offered = shown.isneginf()
        shown[adapted] = logits[adapted[:n]]
        shown.masked_fill_(not_offered, -torch.inf)
        return self._replace(shown=self.shown._replace(logits=shown), adapted=adapted)


def outputs_of(model: ModelVersion, features: Tensor, offered: Sequence[Offered] | None = None) -> list[Said]:
    """Each network asked once, those of the control that orders the queue first.

    features: float [N, D]; offered: of each item, None where none differs.
    """
    said = []
    for control, networks in ((each.control, each.networks) for each in model.models):
        layers = {name: outputs(network, features) for name, network in networks.items()}
        shown, offers = layers[control.shows], [each.get(control.from_name) for each in offered or ()]
        if any(offer is not None for offer in offers):
            shown = control.within(shown, offers)
        said.append(Said(control, layers, shown))
    return said


def ordering(model: ModelVersion, said: list[Said]) -> Layers | None:
    """What the network that orders the queue says, whatever is offered; None where there is none yet."""
    return None if model.network is None else said[0].layers[CLASSES]


def _right(model: ModelVersion, said: Said) -> Tensor | None:
    """How likely what a control's network would say is right, by its error head: float [N], NaN where
    something else is shown; None where there is no head, or another network decides."""
    error_head = model.error_head_of(said.control.from_name)
    if error_head is None or said.control.shows != CLASSES or CLASSES not in said.layers:
        return None
    layers = said.layers[CLASSES]
    same = layers.logits.argmax(-1) == said.shown.logits.argmax(-1)
    if said.adapted is not None:
        same &= ~said.adapted
    return (1 - error_head(layers)).where(same, torch.nan)


def regions(
    model: ModelVersion, said: list[Said], items: int, *, shown_from: float = 0.0
) -> list[list[Region]]:
    """The guess for each of N items: the regions of each control that there is a model of.

    A region's own score is how likely it is right, by the error head where there is one. Where an answer may
    be left blank and nothing is likely, there is no region. said: of these items, `outputs_of`.
    shown_from: guesses less likely right than this are left out, each control by itself; for what an
    annotator is to see.
    """
    found: list[list[Region]] = [[] for _ in range(items)]
    for each in said:
        decided = each.control.decide(each.shown, _right(model, each))
        for guesses, answer, confidence, sure in zip(found, *decided, strict=True):
            if sure >= shown_from:
                guesses += each.control.regions(answer, confidence)
    return found


def probabilities(said: list[Said], items: int, *, most: int | None) -> list[dict[str, dict[str, float]]]:
    """How likely choices are, the likeliest first, by the controls' names, for each of N items.

    most: so many choices of each control; None for all. A choice that an item does not offer is not among its
    own. Where several may be given they are
    probabilities of their own; otherwise all of a control's sum to 1.
    """
    found: list[dict[str, dict[str, float]]] = [{} for _ in range(items)]
    for each in said:
        likely, choices = each.control.likely(each.shown), each.control.choices
        kept = likely.topk(min(most or len(choices), len(choices)))
        there = each.shown.logits.isfinite().gather(-1, kept.indices)
        rows = zip(found, kept.values.tolist(), kept.indices.tolist(), there.tolist(), strict=True)
        for item, values, indices, offered in rows:
            told = zip(indices, values, offered, strict=True)
            item[each.control.from_name] = {choices[i]: round(p, 4) for i, p, is_there in told if is_there}
    return found
