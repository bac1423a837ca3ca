"""What a model guesses of items: the regions to show, and how likely each choice is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from backend.controls.base import CLASSES, Control, Region
from backend.learning.network import Layers
from backend.learning.training import outputs
from backend.store.model_version import ModelVersion

LIKELIEST = 10
"""Choices whose probabilities a prediction carries unless all are asked for."""


class Said(NamedTuple):
    """What a control's networks say of N items: each network's layers by its name."""

    control: Control
    layers: Mapping[str, Layers]

    @property
    def shown(self) -> Layers:
        """Of the network by which the control decides."""
        return self.layers[self.control.shows]


def outputs_of(model: ModelVersion, features: Tensor) -> list[Said]:
    """Each network asked once, those of the control that orders the queue first. features: float [N, D]."""
    return [
        Said(each.control, {name: outputs(network, features) for name, network in each.networks.items()})
        for each in model.models
    ]


def ordering(model: ModelVersion, said: list[Said]) -> Layers | None:
    """What the network that orders the queue says; None where there is none yet."""
    return None if model.network is None else said[0].layers[CLASSES]


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
    layers = ordering(model, said)
    right = None if layers is None or model.error_head is None else 1 - model.error_head(layers)
    for each in said:
        decided = each.control.decide(each.shown, right if each.shown is layers else None)
        for guesses, answer, confidence, sure in zip(found, *decided, strict=True):
            if sure >= shown_from:
                guesses += each.control.regions(answer, confidence)
    return found


def probabilities(said: list[Said], items: int, *, most: int | None) -> list[dict[str, dict[str, float]]]:
    """How likely choices are, the likeliest first, by the controls' names, for each of N items.

    most: so many choices of each control; None for all. Where several may be given they are
    probabilities of their own; otherwise all of a control's sum to 1.
    """
    found: list[dict[str, dict[str, float]]] = [{} for _ in range(items)]
    for each in said:
        likely, choices = each.control.likely(each.shown), each.control.choices
        kept = likely.topk(min(most or len(choices), len(choices)))
        for item, values, indices in zip(found, kept.values.tolist(), kept.indices.tolist(), strict=True):
            told = zip(indices, values, strict=True)
            item[each.control.from_name] = {choices[i]: round(p, 4) for i, p in told}
    return found
