"""What a model guesses of items: the regions to show, and how likely each choice is."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from backend.labelstudio.scheme import LabelScheme
from backend.learning.network import Layers
from backend.learning.training import outputs
from backend.store.versions import ModelVersion

LIKELIEST = 10
"""Choices whose probabilities a prediction carries unless all are asked for."""

Outputs = list[tuple[LabelScheme, Layers]]
"""Of each control that is predicted: its scheme, and its network's layers over N items."""


def outputs_of(model: ModelVersion, features: Tensor) -> Outputs:
    """Each control's network asked once, the one that orders the queue first. features: float [N, D]."""
    return [(scheme, outputs(network, features)) for scheme, network in model.models]


def regions(
    model: ModelVersion, said: Outputs, items: int, *, shown_from: float = 0.0
) -> list[list[dict[str, Any]]]:
    """The guess for each of N items: a region for each control that there is a model of.

    A region's own score is how likely it is right, by the error head where there is one. Where several
    choices may be given and none is likely, there is no region. said: of these items, `outputs_of`.
    shown_from: guesses less likely right than this are left out, each control by itself; for what an
    annotator is to see.
    """
    found: list[list[dict[str, Any]]] = [[] for _ in range(items)]
    for scheme, layers in said:
        if scheme.several:
            likely = layers.logits.sigmoid()
            labels, confidences = decide_each(scheme, likely)
            together = torch.maximum(likely, 1 - likely).prod(-1).tolist()
            right = list(map(min, together, confidences))  # no more than the likeliest, where it stands alone
        else:
            labels, confidences = decide(scheme, layers.probabilities)
            right = confidences
            if scheme is model.scheme and model.error_head is not None:
                # What the verdicts taught of the classifier's word, which alone is too bold or too shy.
                confidences = (1 - model.error_head(layers)).tolist()
                # With few labels either may be far too bold: both must be sure.
                right = list(map(min, right, confidences))
        for guesses, label, confidence, sure in zip(found, labels, confidences, right, strict=True):
            if sure >= shown_from and scheme.choices_in(label):
                guesses.append(scheme.region(label, confidence))
    return found


def probabilities(said: Outputs, items: int, *, most: int | None) -> list[dict[str, dict[str, float]]]:
    """How likely choices are, the likeliest first, by the controls' names, for each of N items.

    most: so many choices of each control; None for all. Where several may be given they are
    probabilities of their own; otherwise all of a control's sum to 1.
    """
    found: list[dict[str, dict[str, float]]] = [{} for _ in range(items)]
    for scheme, layers in said:
        likely = layers.logits.sigmoid() if scheme.several else layers.probabilities
        choices = scheme.choices
        kept = likely.topk(min(most or len(choices), len(choices)))
        for item, values, indices in zip(found, kept.values.tolist(), kept.indices.tolist(), strict=True):
            item[scheme.from_name] = {choices[i]: round(p, 4) for i, p in zip(indices, values, strict=True)}
    return found


def decide(scheme: LabelScheme, probabilities: Tensor) -> tuple[list[str], list[float]]:
    """The class to show for each item, and how sure the model is of it. probabilities: float [N, C]."""
    best = probabilities.max(-1)
    return [scheme.labels[i] for i in best.indices.tolist()], best.values.tolist()


def decide_each(scheme: LabelScheme, likely: Tensor) -> tuple[list[str], list[float]]:
    """The set of choices to show for each item, where several may be given, and how sure the model is.

    likely: float [N, choices], how likely each is by itself. Shown are those more likely than not, also as
    a set that nobody ever gave; none, where the answer may be left blank, or else the likeliest alone. The
    sureness is that of what the model is least sure of, be it there or not.
    """
    shown = likely >= 0.5
    if not scheme.blank:
        best = torch.nn.functional.one_hot(likely.argmax(-1), likely.shape[1]).bool()
        shown = torch.where(shown.any(-1, keepdim=True), shown, best)
    sure = torch.where(shown, likely, 1 - likely).min(-1).values
    choices, chosen = scheme.choices, [list[str]() for _ in range(len(shown))]
    for item, choice in shown.nonzero().tolist():
        chosen[item].append(choices[choice])
    return [scheme.class_of(each) for each in chosen], sure.tolist()
